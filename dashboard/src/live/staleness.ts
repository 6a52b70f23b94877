/**
 * Whether what the screen shows can be trusted to be live, and if not, why and for how long.
 *
 * The feed is stale as soon as the socket or the broker is known to be away, and when no pulse came for three seconds:
 * a feed that silently stops is worse than one that says so.
 */

/** Without a pulse for so long the feed is stale. */
export const STALE_AFTER_MS = 3000;

/** The socket as its client reports it; `disconnected` is for good. */
export type SocketState = 'connecting' | 'connected' | 'disconnected';

/** What is known at a moment. All moments are of `performance.now()`, so a changed clock does no harm. */
export interface Signs {
  readonly now: number;
  readonly socket: SocketState;
  readonly socketChangedAt: number;
  readonly wasConnected: boolean;
  readonly watchingSince: number;
  readonly lastPulseAt: number | null;
  readonly brokerLostAt: number | null;
}

/** What is wrong: connection cut, closed by the server, no pulse, gates' broker away. */
export type Cause = 'cut' | 'closed' | 'silent' | 'broker';

/** The verdict on the feed. */
export type Staleness =
  | { readonly kind: 'starting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'stale'; readonly cause: Cause; readonly forMs: number };

/** Returns the state of the feed. */
export function staleness(signs: Signs): Staleness {
  const { now, socket, lastPulseAt, brokerLostAt } = signs;
  const heardAt = lastPulseAt ?? signs.watchingSince;
  const silentMs = now - heardAt;
  if (socket === 'disconnected') return stale('closed', now - signs.socketChangedAt);
  if (socket === 'connecting') {
    const starting = !signs.wasConnected && silentMs <= STALE_AFTER_MS;
    return starting ? { kind: 'starting' } : stale('cut', now - signs.socketChangedAt);
  }
  if (silentMs > STALE_AFTER_MS) return stale('silent', silentMs);
  if (lastPulseAt === null) return { kind: 'starting' };
  if (brokerLostAt !== null) return stale('broker', now - brokerLostAt);
  return { kind: 'live' };
}

function stale(cause: Cause, forMs: number): Staleness {
  return { kind: 'stale', cause, forMs: Math.max(forMs, 0) };
}
