/** The order of today's guests: whom the guard waits for first. */
import type { GuestState, GuestView } from './shapes';
import type { Entry } from './views';

const RANK: Record<GuestState, number> = { expected: 0, inside: 1, left: 2, revoked: 3, expired: 4 };

/** Returns how many guests are in each state that somebody at the gate asks for, in the order of the list. */
export function countByState(guests: readonly Entry<GuestView>[]): [state: GuestState, count: number][] {
  const states: GuestState[] = ['expected', 'inside', 'left'];
  return states
    .map((state): [GuestState, number] => [
      state,
      guests.filter((guest) => guest.data.state === state).length,
    ])
    .filter(([, count]) => count > 0);
}

/** Orders by state, then by the start of the visit. */
export function byExpectation(one: Entry<GuestView>, other: Entry<GuestView>): number {
  return (
    (RANK[one.data.state] ?? 5) - (RANK[other.data.state] ?? 5) ||
    Date.parse(one.data.start) - Date.parse(other.data.start) ||
    one.data.guestPassId - other.data.guestPassId
  );
}
