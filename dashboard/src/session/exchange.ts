/** One request to the server and its answer. */
import { readProblem } from './problem';

const DEADLINE_MS = 10_000;

/** What to ask; `token` is the access token, where the call needs one. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly idempotencyKey?: string;
}

/**
 * Sends a request and returns the body of its answer.
 *
 * Throws a `Problem` when the server refuses, and whatever `fetch` throws when the server cannot be reached.
 */
export async function exchange<T>(request: Request): Promise<T> {
  const response = await fetch(request.path, {
    method: request.method,
    headers: headersOf(request),
    signal: AbortSignal.timeout(DEADLINE_MS),
    cache: 'no-store',
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const body = readJson(await response.text());
  if (!response.ok) throw readProblem(response.status, body);
  return body as T;
}

/** Returns a new key under which the server carries out a call once, however often it arrives. */
export function newIdempotencyKey(): string {
  // crypto.randomUUID is missing on plain http pages of other machines, getRandomValues is not.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function headersOf(request: Request): Record<string, string> {
  return {
    Accept: 'application/json, application/problem+json',
    ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(request.token === undefined ? {} : { Authorization: `Bearer ${request.token}` }),
    ...(request.idempotencyKey === undefined ? {} : { 'Idempotency-Key': request.idempotencyKey }),
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
