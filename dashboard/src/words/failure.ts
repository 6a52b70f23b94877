/** A failed call in words a person can act on. */
import { Problem } from '../session/problem';
import type { Words } from './en';

/** Returns what to show: the server's own detail, or that it could not be reached. */
export function explain(error: unknown, words: Words): string {
  if (error instanceof Problem) {
    if (error.status === 429) return words.failure.tooMany;
    if (error.status >= 500) return words.failure.server;
    const fields = error.fields.map((field) => `${field.field}: ${field.problem}`);
    // A problem with one field says no more in its detail.
    return error.fields.length === 1 && fields[0] === error.message
      ? error.message
      : [error.message, ...fields].join(' · ');
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') return words.failure.timeout;
  return words.failure.network;
}

/** Returns what to show where somebody could not be signed in. */
export function explainSignIn(error: unknown, words: Words): string {
  return error instanceof Problem && error.signedOut ? words.login.wrong : explain(error, words);
}
