import { expect, it } from 'vitest';
import { byUrgency } from './alarm-order';
import type { AlarmView } from './shapes';

function alarm(
  alarmId: number,
  state: AlarmView['state'],
  lastAt: string,
): { key: string; version: number; data: AlarmView } {
  return { key: `alarm:${alarmId}`, version: 1, data: { alarmId, state, lastAt } as AlarmView };
}

it('puts what nobody has taken first, then the newest', () => {
  const alarms = [
    alarm(1, 'cleared', '2026-01-01T10:03:00Z'),
    alarm(2, 'acknowledged', '2026-01-01T10:02:00Z'),
    alarm(3, 'raised', '2026-01-01T10:00:00Z'),
    alarm(4, 'raised', '2026-01-01T10:01:00Z'),
  ];
  expect(alarms.sort(byUrgency).map((one) => one.data.alarmId)).toEqual([4, 3, 2, 1]);
});
