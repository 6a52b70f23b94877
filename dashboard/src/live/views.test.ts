/** The reader's store gives the same picture whatever the wire does to the order and number of messages. */
import { describe, expect, it } from 'vitest';
import { TOMBSTONE_LIMIT, Views, readBatch, type Item } from './views';

interface Zone {
  readonly inside: number;
}

const zone = (key: string, version: number, inside: number): Item<Zone> => ({
  key,
  version,
  data: { inside },
});
const gone = (key: string, version: number): Item<Zone> => ({ key, version, gone: true });

function pictureOf(views: Views<Zone>): Record<string, number> {
  return Object.fromEntries(
    views
      .entries()
      .map((entry): [string, number] => [entry.key, entry.data.inside])
      .sort(),
  );
}

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length <= 1) return [[...values]];
  return values.flatMap((value, at) =>
    permutations([...values.slice(0, at), ...values.slice(at + 1)]).map((rest) => [value, ...rest]),
  );
}

describe('a reader of a feed', () => {
  it('holds the newest version of each key', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('zone:1', 1, 4), zone('zone:2', 1, 9)] });
    views.apply({ items: [zone('zone:1', 2, 5)] });
    expect(pictureOf(views)).toEqual({ 'zone:1': 5, 'zone:2': 9 });
  });

  it('ends in the same picture for every order of arrival', () => {
    const story = [zone('a', 1, 1), zone('a', 2, 2), gone('a', 3), zone('b', 1, 7), zone('b', 4, 8)];
    for (const order of permutations(story)) {
      const views = new Views<Zone>();
      for (const item of order) views.apply({ items: [item] });
      expect(pictureOf(views)).toEqual({ b: 8 });
    }
  });

  it('is not changed by a message that comes twice', () => {
    const views = new Views<Zone>();
    const story = [zone('a', 1, 1), zone('a', 2, 2), gone('b', 5)];
    for (const item of [...story, ...story, ...story]) views.apply({ items: [item] });
    expect(pictureOf(views)).toEqual({ a: 2 });
  });

  it('does not let an old version bring back what is gone', () => {
    const views = new Views<Zone>();
    views.apply({ items: [gone('a', 8)] });
    expect(views.apply({ items: [zone('a', 7, 1)] })).toEqual([]);
    expect(views.get('a')).toBeUndefined();
  });

  it('takes a newer version of what was gone', () => {
    const views = new Views<Zone>();
    views.apply({ items: [gone('a', 8)] });
    views.apply({ items: [zone('a', 9, 3)] });
    expect(pictureOf(views)).toEqual({ a: 3 });
  });

  it('keeps the newer arrival of two with equal version', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('a', 1, 1)] });
    expect(views.apply({ items: [zone('a', 1, 2)] })).toEqual(['a']);
    expect(pictureOf(views)).toEqual({ a: 2 });
  });

  it('forgets everything for a first view, also higher versions and tombstones', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('a', 50, 1), gone('b', 50), zone('c', 50, 1)] });
    views.replace({ items: [zone('a', 2, 7), zone('b', 3, 8)] });
    expect(pictureOf(views)).toEqual({ a: 7, b: 8 });
  });

  it('goes on from what it holds when the subscription was recovered', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('a', 3, 1)] });
    views.resume({ recovered: true });
    views.apply({ items: [zone('b', 1, 2)] });
    expect(pictureOf(views)).toEqual({ a: 1, b: 2 });
  });

  it('starts anew when the subscription could not be recovered', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('a', 3, 1)] });
    views.resume({ recovered: false, data: { items: [zone('b', 1, 2)] } });
    expect(pictureOf(views)).toEqual({ b: 2 });
  });

  it('keeps only as many as asked, by the order given', () => {
    const views = new Views<Zone>();
    views.apply({ items: [zone('a', 1, 1), zone('b', 1, 3), zone('c', 1, 2)] });
    views.keepFirst(2, (one, other) => other.data.inside - one.data.inside);
    expect(pictureOf(views)).toEqual({ b: 3, c: 2 });
  });

  it('remembers a bounded number of tombstones', () => {
    const views = new Views<Zone>();
    for (let at = 0; at <= TOMBSTONE_LIMIT; at += 1) views.apply({ items: [gone(`key:${at}`, 5)] });
    expect(views.apply({ items: [zone('key:0', 1, 1)] })).toEqual(['key:0']);
    expect(views.apply({ items: [zone('key:1', 1, 1)] })).toEqual([]);
  });
});

describe('what arrives on the wire', () => {
  it('is read item by item, leaving out what has no shape', () => {
    const body = { items: [zone('a', 1, 1), null, 7, { key: 'b' }, { key: 'c', version: 1 }, gone('d', 2)] };
    expect(readBatch<Zone>(body).items.map((item) => item.key)).toEqual(['a', 'd']);
  });

  it('may be anything at all', () => {
    for (const body of [undefined, null, 5, 'text', [], {}, { items: 'no' }]) {
      expect(readBatch<Zone>(body).items).toEqual([]);
    }
  });
});
