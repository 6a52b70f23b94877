/** A gate asks for a look when the server's numbers say so. */
import { describe, expect, it } from 'vitest';
import { healthOf, inStep } from './gate-health';
import type { GateView } from './shapes';

const well: GateView = {
  gateId: 1,
  name: 'Main entrance',
  fromZoneId: null,
  toZoneId: 1,
  link: 'online',
  mode: 'normal',
  lastSeenAt: '2026-03-02T08:00:00Z',
  lastSeq: 12,
  acknowledgedSeq: 12,
  queueDepth: 0,
  clockOffsetMs: 0,
  firmware: '1.4',
  missing: 0,
};

describe('a gate', () => {
  it('that is well asks for nothing', () => {
    expect(Object.values(healthOf(well))).toEqual([false, false, false, false]);
  });

  it.each([
    ['lost', { link: 'offline' as const }],
    ['behind', { queueDepth: 6 }],
    ['gaps', { missing: 1 }],
    ['clockOff', { clockOffsetMs: -2001 }],
  ])('is %s', (sign, change) => {
    expect(healthOf({ ...well, ...change })).toMatchObject({ [sign]: true });
  });
});

describe('a clock', () => {
  it('is in step within what a network lets one tell', () => {
    expect([0, 99, -99].every(inStep)).toBe(true);
    expect([100, -100, 5000].some(inStep)).toBe(false);
  });
});
