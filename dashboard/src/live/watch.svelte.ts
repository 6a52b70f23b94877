/** Everything followed of one site. */
import type { Site } from '../session/account';
import { FEED_LIMIT, newestFirst } from '../feed/feed-order';
import { byUrgency } from './alarm-order';
import { byExpectation } from './guest-order';
import { Heartbeat } from './heartbeat.svelte';
import type { Link } from './link.svelte';
import { LiveView } from './live-view.svelte';
import { Lookout } from './lookout.svelte';
import type { AccessRow, AlarmView, GateView, GuestView, ZoneView } from './shapes';
import type { Entry } from './views';

export class Watch {
  readonly site: Site;
  readonly access: LiveView<AccessRow>;
  readonly zones: LiveView<ZoneView>;
  readonly gates: LiveView<GateView>;
  readonly guests: LiveView<GuestView>;
  readonly alarms: LiveView<AlarmView>;
  readonly heartbeat: Heartbeat;
  readonly lookout: Lookout;

  constructor(link: Link, site: Site) {
    const at = site.siteId;
    this.site = site;
    this.heartbeat = new Heartbeat(link, at);
    this.access = new LiveView(link, `access:${at}`, newestFirst, FEED_LIMIT);
    this.lookout = new Lookout(this.access.subscription, () => link.client);
    this.zones = new LiveView(link, `occupancy:${at}`, (one, other) => one.data.zoneId - other.data.zoneId);
    this.gates = new LiveView(link, `gates:${at}`, (one, other) => one.data.gateId - other.data.gateId);
    this.guests = new LiveView(link, `guests:${at}`, byExpectation);
    this.alarms = new LiveView(link, `alarms:${at}`, byUrgency);
  }

  /** Returns a zone's name, or null where the site does not show it. */
  zoneName(zoneId: number | null): string | null {
    return this.zones.entries.find((zone) => zone.data.zoneId === zoneId)?.data.name ?? null;
  }

  /** Returns the gates whose link is known to be lost. */
  lostGates(): readonly Entry<GateView>[] {
    return this.gates.entries.filter((gate) => gate.data.link === 'offline');
  }

  /** Stops following the site. */
  close(): void {
    for (const part of [
      this.lookout,
      this.access,
      this.zones,
      this.gates,
      this.guests,
      this.alarms,
      this.heartbeat,
    ])
      part.close();
  }
}
