/** The order and the length of the access feed. */
import type { AccessRow } from '../live/shapes';
import type { Entry } from '../live/views';

/** How many rows are held; older ones are in the access log, not on the screen. */
export const FEED_LIMIT = 500;

/** Orders by the time of the event, newest first, so that a late row stands where it belongs. */
export function newestFirst(one: Entry<AccessRow>, other: Entry<AccessRow>): number {
  return (
    Date.parse(other.data.at) - Date.parse(one.data.at) ||
    other.data.seq - one.data.seq ||
    (one.key < other.key ? 1 : -1)
  );
}
