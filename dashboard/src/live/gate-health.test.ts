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
  quarantined: 0,
  deviceEnabled: true,
  health: { hardware: 'gk-200', battery: 97, power: 'mains', temperature: 38.5, rssi: -61, uptimeS: 9 },
};

const device = { ...well.health! };

describe('a gate', () => {
  it('that is well asks for nothing', () => {
    expect(Object.values(healthOf(well, '1.4')).filter(Boolean)).toEqual([]);
  });

  it.each([
    ['lost', { link: 'offline' as const }],
    ['behind', { queueDepth: 6 }],
    ['gaps', { missing: 1 }],
    ['clockOff', { clockOffsetMs: -2001 }],
    ['batteryLow', { health: { ...device, battery: 19 } }],
    ['onBattery', { health: { ...device, power: 'battery' as const } }],
    ['unreadable', { quarantined: 1 }],
    ['lockedOut', { deviceEnabled: false }],
    ['outdated', { firmware: '1.3' }],
  ])('is %s', (sign, change) => {
    expect(healthOf({ ...well, ...change }, '1.4')).toMatchObject({ [sign]: true });
  });
});

describe('a gate that says little', () => {
  it('is not taken for one that is badly off', () => {
    const { health, quarantined, deviceEnabled, ...silent } = well;
    expect(Object.values(healthOf({ ...silent, firmware: null }, '1.4')).filter(Boolean)).toEqual([]);
  });
});

describe('a clock', () => {
  it('is in step within what a network lets one tell', () => {
    expect([0, 99, -99].every(inStep)).toBe(true);
    expect([100, -100, 5000].some(inStep)).toBe(false);
  });
});
