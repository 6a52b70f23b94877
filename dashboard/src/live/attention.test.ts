/** Who looks at a row is shown while they say so, and no longer. */
import { describe, expect, it } from 'vitest';
import { Attention, LASTS_MS, readLooked } from './attention';

const ann = { key: 'row', looking: true, name: 'Ann' };

describe('attention', () => {
  it('lasts while it is said again', () => {
    const attention = new Attention();
    attention.take(ann, 'one', 0);
    attention.take(ann, 'one', LASTS_MS - 1);
    expect(attention.names(LASTS_MS).get('row')).toEqual(['Ann']);
    expect(attention.names(2 * LASTS_MS).size).toBe(0);
  });

  it('ends when it is taken back, and leaves that of others', () => {
    const attention = new Attention();
    attention.take(ann, 'one', 0);
    attention.take({ ...ann, name: 'Bo' }, 'two', 0);
    expect(attention.names(1).get('row')).toEqual(['Ann', 'Bo']);
    attention.take({ ...ann, looking: false }, 'one', 1);
    expect(attention.names(2).get('row')).toEqual(['Bo']);
  });

  it('names a person at two desks once', () => {
    const attention = new Attention();
    attention.take(ann, 'one', 0);
    attention.take(ann, 'two', 0);
    expect(attention.names(1).get('row')).toEqual(['Ann']);
  });
});

describe('a publication', () => {
  it('is a signal only where it carries one', () => {
    expect(readLooked({ signal: ann })).toEqual(ann);
    expect(readLooked({ items: [] })).toBeUndefined();
    expect(readLooked({ signal: { key: 5 } })).toBeUndefined();
    expect(readLooked(null)).toBeUndefined();
  });
});
