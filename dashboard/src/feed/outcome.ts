/** How a row of the access feed reads at a glance. */
import type { AccessRow } from '../live/shapes';

/** The four looks a row can have; each has its own colour, shape and words. */
export type Tone = 'admit' | 'deny' | 'alarm' | 'event';

/** What became of somebody who was let through; `open` means that no gate has said so yet. */
export type Passage = 'in' | 'out' | 'walked' | 'stayed' | 'open' | 'none';

const WALKS = new Set(['passage', 'no_passage']);
const TROUBLE = new Set(['alarm_on', 'journal_lost', 'clock_step']);

/** Returns what was decided; somebody at the turnstile was let through, also where the row of the walk does not say so. */
export function verdictOf(row: AccessRow): AccessRow['verdict'] {
  return row.verdict ?? (WALKS.has(row.kind) ? 'admit' : null);
}

/** Returns the look of a row. */
export function toneOf(row: AccessRow): Tone {
  const verdict = verdictOf(row);
  if (verdict !== null) return verdict;
  return TROUBLE.has(row.kind) ? 'alarm' : 'event';
}

/** Returns what became of the passage. */
export function passageOf(row: AccessRow): Passage {
  if (verdictOf(row) !== 'admit') return 'none';
  if (row.passed === null) return 'open';
  return row.passed ? (row.direction ?? 'walked') : 'stayed';
}
