/**
 * What a reader of a feed holds: the newest version of every item, however the wire delivered them.
 *
 * 1. An item replaces the one held under its key only if its version is not lower.
 * 2. A tombstone is held like an item, so that an older version that arrives late cannot bring the item back.
 * 3. A first view replaces everything; a recovered subscription has no first view and goes on from what is held.
 */

/** One item of a feed as it travels: its newest data, or word that it is gone. */
export interface Item<T> {
  readonly key: string;
  readonly version: number;
  readonly data?: T;
  readonly gone?: boolean;
}

/** The body of a publication and of a first view alike. */
export interface Batch<T> {
  readonly items: readonly Item<T>[];
}

/** An item that is there, with its data. */
export interface Entry<T> {
  readonly key: string;
  readonly version: number;
  readonly data: T;
}

/** How many tombstones are remembered; the oldest are forgotten first. */
export const TOMBSTONE_LIMIT = 1000;

/** Returns the well-formed items of whatever arrived; anything else on the wire is left out, never thrown. */
export function readBatch<T>(body: unknown): Batch<T> {
  const items = (body as { items?: unknown } | null | undefined)?.items;
  return { items: Array.isArray(items) ? items.filter((item) => isItem<T>(item)) : [] };
}

function isItem<T>(value: unknown): value is Item<T> {
  const item = value as Partial<Item<T>> | null;
  if (typeof item !== 'object' || item === null) return false;
  if (typeof item.key !== 'string' || typeof item.version !== 'number') return false;
  return item.gone === true || (typeof item.data === 'object' && item.data !== null);
}

/** What a subscription says of itself when it is there, the first time and after each cut. */
export interface Subscribed {
  readonly recovered: boolean;
  readonly data?: unknown;
}

/** The items of one feed by key. */
export class Views<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #tombstones = new Map<string, number>();

  /** Takes the answer to a subscription: a first view, unless the server replays what was missed. */
  resume(subscribed: Subscribed): void {
    if (!subscribed.recovered) this.replace(readBatch<T>(subscribed.data));
  }

  /** Takes a first view: forgets everything held and holds this instead. */
  replace(batch: Batch<T>): void {
    this.#entries.clear();
    this.#tombstones.clear();
    this.apply(batch);
  }

  /** Takes a publication and returns the keys that it changed. */
  apply(batch: Batch<T>): string[] {
    return batch.items.filter((item) => this.#take(item)).map((item) => item.key);
  }

  /** Returns the items that are there, in no particular order. */
  entries(): Entry<T>[] {
    return [...this.#entries.values()];
  }

  /** Returns one item, or undefined if it is unknown or gone. */
  get(key: string): Entry<T> | undefined {
    return this.#entries.get(key);
  }

  /** Forgets all items but the first `limit` in the order given. */
  keepFirst(limit: number, order: (one: Entry<T>, other: Entry<T>) => number): void {
    if (this.#entries.size <= limit) return;
    for (const entry of this.entries().sort(order).slice(limit)) this.#entries.delete(entry.key);
  }

  #take(item: Item<T>): boolean {
    if (item.version < this.#versionOf(item.key)) return false;
    if (item.gone || item.data === undefined) {
      this.#entries.delete(item.key);
      this.#bury(item.key, item.version);
    } else {
      this.#tombstones.delete(item.key);
      this.#entries.set(item.key, { key: item.key, version: item.version, data: item.data });
    }
    return true;
  }

  #versionOf(key: string): number {
    return this.#entries.get(key)?.version ?? this.#tombstones.get(key) ?? -Infinity;
  }

  #bury(key: string, version: number): void {
    this.#tombstones.delete(key);
    this.#tombstones.set(key, version);
    if (this.#tombstones.size <= TOMBSTONE_LIMIT) return;
    const oldest = this.#tombstones.keys().next();
    if (!oldest.done) this.#tombstones.delete(oldest.value);
  }
}
