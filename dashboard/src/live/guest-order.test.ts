/** The guard's list of guests begins with those who are still to come. */
import { describe, expect, it } from 'vitest';
import { byExpectation, countByState } from './guest-order';
import type { GuestState, GuestView } from './shapes';
import type { Entry } from './views';

function guest(guestPassId: number, state: GuestState, start = '2026-03-02T08:00:00Z'): Entry<GuestView> {
  const data: GuestView = {
    guestPassId,
    guestName: `Guest ${guestPassId}`,
    hostUserId: 7,
    hostName: 'Ann',
    start,
    end: '2026-03-02T18:00:00Z',
    state,
    arrivedAt: null,
  };
  return { key: `pass:${guestPassId}`, version: 1, data };
}

describe('the guests of today', () => {
  it('stand in the order in which the guard waits for them', () => {
    const list = [
      guest(1, 'revoked'),
      guest(2, 'inside'),
      guest(3, 'expected', '2026-03-02T10:00:00Z'),
      guest(4, 'expected', '2026-03-02T09:00:00Z'),
      guest(5, 'left'),
    ];
    expect(list.sort(byExpectation).map((entry) => entry.data.guestPassId)).toEqual([4, 3, 2, 5, 1]);
  });

  it('are counted where they are, not who cannot come any more', () => {
    const list = [guest(1, 'inside'), guest(2, 'expected'), guest(3, 'inside'), guest(4, 'revoked')];
    expect(countByState(list)).toEqual([
      ['expected', 1],
      ['inside', 2],
    ]);
  });
});
