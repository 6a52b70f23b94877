/** A feed that stopped says so, with its cause and how long. */
import { describe, expect, it } from 'vitest';
import { STALE_AFTER_MS, staleness, type Signs } from './staleness';

const well: Signs = {
  now: 100_000,
  socket: 'connected',
  socketChangedAt: 50_000,
  wasConnected: true,
  watchingSince: 50_000,
  lastPulseAt: 99_500,
  brokerLostAt: null,
};

describe('a feed', () => {
  it('is live while the pulse comes', () => {
    expect(staleness(well)).toEqual({ kind: 'live' });
    expect(staleness({ ...well, lastPulseAt: well.now - STALE_AFTER_MS })).toEqual({ kind: 'live' });
  });

  it('is stale when no pulse came for more than three seconds', () => {
    const forMs = STALE_AFTER_MS + 1;
    const verdict = staleness({ ...well, lastPulseAt: well.now - forMs });
    expect(verdict).toEqual({ kind: 'stale', cause: 'silent', forMs });
  });

  it('counts from the start when no pulse ever came', () => {
    expect(staleness({ ...well, lastPulseAt: null })).toMatchObject({ cause: 'silent', forMs: 50_000 });
    expect(staleness({ ...well, lastPulseAt: null, watchingSince: 99_000 })).toEqual({ kind: 'starting' });
  });

  it('is stale as soon as the connection is cut', () => {
    const verdict = staleness({ ...well, socket: 'connecting', socketChangedAt: 99_900 });
    expect(verdict).toEqual({ kind: 'stale', cause: 'cut', forMs: 100 });
  });

  it('has a moment for its first connection', () => {
    const first: Signs = { ...well, socket: 'connecting', wasConnected: false, lastPulseAt: null };
    expect(staleness({ ...first, watchingSince: 99_000 })).toEqual({ kind: 'starting' });
    expect(staleness(first)).toMatchObject({ kind: 'stale', cause: 'cut' });
  });

  it('is stale when the server closed it for good', () => {
    expect(staleness({ ...well, socket: 'disconnected' })).toMatchObject({ cause: 'closed', forMs: 50_000 });
  });

  it('is stale while the broker of the gates is away, though pulses come', () => {
    const verdict = staleness({ ...well, brokerLostAt: 93_000 });
    expect(verdict).toEqual({ kind: 'stale', cause: 'broker', forMs: 7000 });
  });
});
