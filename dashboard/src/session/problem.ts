/** A refusal by the server, in its own words. */

/** One field that the server did not accept. */
export interface FieldProblem {
  readonly field: string;
  readonly problem: string;
}

/** An answer of RFC 9457: what the server says is wrong. */
export class Problem extends Error {
  readonly status: number;
  readonly fields: readonly FieldProblem[];

  constructor(status: number, detail: string, fields: readonly FieldProblem[] = []) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.fields = fields;
  }

  /** Returns whether it says that nobody is signed in (any more). */
  get signedOut(): boolean {
    return this.status === 401;
  }

  /** Returns whether the same call may succeed later: too many calls, or a server in trouble. */
  get passing(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** Returns the problem that an answer's body describes; a body that describes none gives the bare status. */
export function readProblem(status: number, body: unknown): Problem {
  const { detail, title, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const said = [detail, title].find((text): text is string => typeof text === 'string' && text !== '');
  return new Problem(
    status,
    said ?? `HTTP ${status}`,
    Array.isArray(errors) ? errors.filter(isFieldProblem) : [],
  );
}

/** Returns what a refusal on the socket says: its reason is plain text or a problem as JSON. */
export function readReason(reason: string): string {
  if (!reason.startsWith('{')) return reason;
  try {
    return readProblem(0, JSON.parse(reason)).message;
  } catch {
    return reason;
  }
}

function isFieldProblem(value: unknown): value is FieldProblem {
  const { field, problem } = (value ?? {}) as Record<string, unknown>;
  return typeof field === 'string' && typeof problem === 'string';
}
