/** The signs by which the staleness of a site's feed is judged. */
import type { Link } from '../live/link.svelte';
import type { Signs } from '../live/staleness';
import type { Ticker } from '../live/ticker.svelte';
import type { Watch } from '../live/watch.svelte';

/** Returns what is known at this tick; a beat heard after the tick counts as heard now. */
export function signsOf(link: Link, watch: Watch, ticker: Ticker): Signs {
  const { heartbeat } = watch;
  return {
    now: Math.max(ticker.now, heartbeat.heardAt ?? 0, link.changedAt),
    socket: link.state,
    socketChangedAt: link.changedAt,
    wasConnected: link.wasConnected,
    watchingSince: heartbeat.watchingSince,
    lastPulseAt: heartbeat.heardAt,
    brokerLostAt: heartbeat.brokerLostAt,
  };
}
