/** What a row tells that is no decision: something of the gate itself. */
import type { AccessRow } from '../live/shapes';
import type { Words } from '../words/en';

/** Returns what happened, such as “Command refused”. */
export function happeningOf(row: AccessRow, words: Words): string {
  return row.kind === 'cmd' && refusalOf(row) !== null
    ? words.commandRefused
    : (words.kinds[row.kind] ?? row.kind);
}

/** Returns which alarm it was, or why a command was refused; nothing where there is no more to say. */
export function particularOf(row: AccessRow, words: Words): string {
  if (row.kind === 'cmd') return told(words.refusals, refusalOf(row));
  return told(words.alarms, row.reason === row.kind ? null : row.reason);
}

/** Returns why a gate did not do what it was told; of a command, `ok` is no refusal. */
function refusalOf(row: AccessRow): string | null {
  return row.reason === 'ok' ? null : row.reason;
}

/** Returns the words of a code, or the code itself where a device has one of its own. */
function told(table: Readonly<Record<string, string>>, code: string | null): string {
  return code === null ? '' : (table[code] ?? code);
}
