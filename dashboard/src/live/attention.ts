/**
 * Who attends to which row, as the others on duty say it while they do.
 *
 * 1. Whoever looks says so again every `AGAIN_MS`; who has not for `LASTS_MS` looks no longer.
 * 2. A connection stands for a person: the same guard at another desk is shown too.
 */

export const AGAIN_MS = 8000;
export const LASTS_MS = 20_000;

/** What is heard of a row. */
export interface Looked {
  readonly key: string;
  readonly looking: boolean;
  readonly name: string;
}

interface Look {
  readonly name: string;
  readonly until: number;
}

/** Returns the signal that a publication carries, or undefined where it is a view. */
export function readLooked(body: unknown): Looked | undefined {
  const signal = (body as { signal?: Partial<Looked> } | null | undefined)?.signal;
  if (typeof signal?.key !== 'string' || typeof signal.name !== 'string') return undefined;
  return { key: signal.key, name: signal.name, looking: signal.looking === true };
}

/** Keeps who looks at what. */
export class Attention {
  readonly #rows = new Map<string, Map<string, Look>>();

  /** Takes what a connection says at a moment. */
  take(looked: Looked, client: string, now: number): void {
    const looks = this.#rows.get(looked.key) ?? new Map<string, Look>();
    if (looked.looking) looks.set(client, { name: looked.name, until: now + LASTS_MS });
    else looks.delete(client);
    if (looks.size > 0) this.#rows.set(looked.key, looks);
    else this.#rows.delete(looked.key);
  }

  /** Forgets what was not said again, and returns the names by row. */
  names(now: number): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, readonly string[]>();
    for (const [key, looks] of this.#rows) {
      for (const [client, look] of looks) if (look.until <= now) looks.delete(client);
      if (looks.size === 0) this.#rows.delete(key);
      else found.set(key, [...new Set([...looks.values()].map((look) => look.name))].sort());
    }
    return found;
  }
}
