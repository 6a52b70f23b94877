/** A feed that stands still while somebody reads, and knows that there is more. */
import type { Entry } from '../live/views';

/** What is on the screen, and how many rows wait behind it. */
export interface Standing<T> {
  readonly shown: readonly Entry<T>[];
  readonly waiting: number;
}

/**
 * Returns the rows to show when the feed was stopped at `frozen` (null: it runs).
 *
 * Rows on the screen keep their place but not their age: a newer version of one is shown at once.
 */
export function stand<T>(rows: readonly Entry<T>[], frozen: readonly Entry<T>[] | null): Standing<T> {
  if (frozen === null) return { shown: rows, waiting: 0 };
  const newest = new Map(rows.map((row) => [row.key, row]));
  const shown = frozen.map((row) => newest.get(row.key) ?? row);
  const held = new Set(frozen.map((row) => row.key));
  return { shown, waiting: rows.filter((row) => !held.has(row.key)).length };
}
