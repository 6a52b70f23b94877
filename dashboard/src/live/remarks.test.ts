/** What does not add up in a zone is said in the reader's language. */
import { describe, expect, it } from 'vitest';
import { en } from '../words/en';
import { Moments } from '../words/moments';
import { ru } from '../words/ru';
import { remarksOf } from './remarks';
import type { ZoneSum } from './shapes';

const fine: ZoneSum = {
  zoneId: 1,
  name: 'Hall',
  inside: 7,
  came: 12,
  went: 4,
  corrected: -1,
  elsewhere: 0,
  known: 5,
  unknown: 2,
  safe: 0,
};

function remarks(change: Partial<ZoneSum>, words = en): string[] {
  const table = words.duty.muster.remarks;
  return remarksOf({ ...fine, ...change }, table, new Moments(words.code, 'UTC'));
}

describe('the numbers of a zone', () => {
  it('need no words where they add up', () => {
    expect(remarks({})).toEqual([]);
    expect(remarks({ known: 7 })).toEqual([]);
  });

  it.each([
    [{ inside: -2, known: 0 }, /^2 more left/, /внутри до начала счёта/],
    [{ elsewhere: -1 }, /^1 left without being seen/, /незамеченными.*: 1/],
    [{ elsewhere: 3 }, /^3 are here/, /здесь.*: 3$/],
    [{ inside: 5, known: 7 }, /^2 more passes.*look for 7$/, /на 2: ищите 7$/],
  ])('say of %o what does not', (change, english, russian) => {
    expect(remarks(change)).toEqual([expect.stringMatching(english)]);
    expect(remarks(change, ru)).toEqual([expect.stringMatching(russian)]);
  });

  it('say each thing that does not', () => {
    expect(remarks({ inside: 1, known: 2, elsewhere: -1 })).toHaveLength(2);
  });
});
