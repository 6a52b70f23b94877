/** Choosing a new password with the token of a letter. */
import { exchange } from './exchange';
import { Problem } from './problem';

const SHORTEST = 8;

/** What the browser itself can say against a new password. */
export type Objection = 'short' | 'different';

/** What the server has against it: the letter's token is worthless, or the password may not be kept. */
export type Refusal = 'worthless' | 'unfit' | null;

/** Returns whether an address is the one that letters lead to. */
export function leadsToReset(path: string): boolean {
  return /\/reset-password\/?$/.test(path);
}

/** Returns the token in the part of an address that is sent to no server, or nothing. */
export function tokenIn(fragment: string): string {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('token')?.trim() ?? '';
}

/** Returns what speaks against a password before it is sent; the server has the last word. */
export function objectionTo(password: string, again: string): Objection | null {
  // Counted as the server counts: code points of the one form that keyboards may spell in several.
  if ([...password.normalize('NFKC')].length < SHORTEST) return 'short';
  return password === again ? null : 'different';
}

/** Returns which of the two things given the server refused, or null for any other failure. */
export function refusalIn(error: unknown): Refusal {
  const fields = error instanceof Problem ? error.fields.map((field) => field.field) : [];
  if (fields.includes('token')) return 'worthless';
  return fields.includes('password') ? 'unfit' : null;
}

/** Has a letter sent; the answer does not tell whether there is an account. */
export async function askForLetter(email: string): Promise<void> {
  await exchange({ method: 'POST', path: '/api/auth/reset-password', body: { email } });
}

/** Chooses the password, which ends every session of the account. */
export async function choosePassword(token: string, password: string): Promise<void> {
  const body = { token, password };
  await exchange({ method: 'POST', path: '/api/auth/reset-password/confirm', body });
}
