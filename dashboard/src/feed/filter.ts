/** Which rows of the access feed somebody wants to see. */
import type { AccessRow } from '../live/shapes';
import { verdictOf } from './outcome';

/** The kinds of outcome one can ask for; `other` is what the gates say of themselves. */
export const OUTCOMES = ['all', 'admit', 'deny', 'other'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What to show: one gate or all, one outcome or all. */
export interface Filter {
  readonly gateId: number | null;
  readonly outcome: Outcome;
}

/** The filter that shows everything. */
export const EVERYTHING: Filter = { gateId: null, outcome: 'all' };

/** Returns whether the filter lets a row through. */
export function matches(filter: Filter, row: AccessRow): boolean {
  if (filter.gateId !== null && row.gateId !== filter.gateId) return false;
  return filter.outcome === 'all' || filter.outcome === (verdictOf(row) ?? 'other');
}
