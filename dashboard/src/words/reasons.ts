/** The closed table of reason codes a gate can give; their words are kept per language. */

/** What a watcher reads for a code: what was wrong, and what to do next. */
export interface ReasonWords {
  readonly text: string;
  readonly next: string;
}

export const REASON_CODES = [
  'unknown',
  'bad_sig',
  'revoked',
  'blocked',
  'not_yet',
  'expired',
  'out_of_hours',
  'wrong_venue',
  'wrong_zone',
  'already_used',
  'passback',
  'out_of_order',
  'full',
  'not_open',
  'lockdown',
  'stale_code',
  'escort_needed',
  'second_person',
  'too_many_tries',
  'unpaid',
  'gate_disabled',
  'offline',
  'internal',
] as const;

export type ReasonCode = (typeof REASON_CODES)[number];
export type ReasonTable = Readonly<Record<ReasonCode, ReasonWords>>;

/** Returns the words for a code, or undefined for one that is newer than this page. */
export function wordsFor(table: ReasonTable, code: string): ReasonWords | undefined {
  return Object.hasOwn(table, code) ? table[code as ReasonCode] : undefined;
}
