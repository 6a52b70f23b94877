/** A failed call in words a person can act on. */
import { Problem } from '../session/problem';
import type { Words } from './en';

/** Returns what to show: the server's own detail, or that it could not be reached. */
export function explain(error: unknown, words: Words): string {
  if (error instanceof Problem) {
    const fields = error.fields.map((field) => `${field.field}: ${field.problem}`);
    return [error.message, ...fields].join(' · ');
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') return words.failure.timeout;
  return words.failure.network;
}
