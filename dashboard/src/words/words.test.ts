/** Both languages say everything, and moments are written at the time of the site. */
import { describe, expect, it } from 'vitest';
import { Problem } from '../session/problem';
import { en } from './en';
import { explain, explainSignIn } from './failure';
import { Moments } from './moments';
import { REASON_CODES, wordsFor } from './reasons';
import { ru } from './ru';

describe('the reasons', () => {
  it.each(REASON_CODES)('tell for “%s” what was wrong and what to do, in both languages', (code) => {
    for (const table of [en.reasons, ru.reasons]) {
      const words = wordsFor(table, code);
      expect(words?.text).toMatch(/\.$/);
      expect(words?.next).toMatch(/\.$/);
    }
    expect(ru.reasons[code].text).toMatch(/[а-я]/);
  });

  it('do not take a code for a member every object has', () => {
    expect(wordsFor(en.reasons, 'constructor')).toBeUndefined();
  });
});

describe('the Russian table', () => {
  it('leaves no English sentence untranslated', () => {
    expect(untranslated(en, ru)).toEqual([]);
  });
});

describe('moments', () => {
  const moscow = new Moments('en', 'Europe/Moscow');

  it('are written at the time of the site', () => {
    expect(moscow.clock('2026-03-02T08:05:09Z')).toBe('11:05:09');
    expect(new Moments('ru', 'Asia/Tokyo').short('2026-03-02T08:05:09Z')).toBe('17:05');
  });

  it('follow the clock change of the site', () => {
    const berlin = new Moments('en', 'Europe/Berlin');
    expect(berlin.clock('2026-03-29T00:59:59Z')).toBe('01:59:59');
    expect(berlin.clock('2026-03-29T01:00:00Z')).toBe('03:00:00');
  });

  it('name the zone as it is at that moment', () => {
    const lisbon = new Moments('en', 'Europe/Lisbon');
    expect(lisbon.zoneName(Date.parse('2026-01-15T12:00:00Z'))).toMatch(/^(GMT|WET)$/);
    expect(lisbon.zoneName(Date.parse('2026-07-15T12:00:00Z'))).toMatch(/^(GMT\+1|WEST)$/);
  });

  it('name the day only when it is another one at the site', () => {
    const now = Date.parse('2026-03-02T21:30:00Z');
    expect(moscow.when('2026-03-02T21:05:00Z', now)).toBe('00:05');
    expect(moscow.when('2026-03-02T20:55:00Z', now)).toMatch(/2 Mar.* 23:55/);
  });

  it('are told as a span in the largest fitting unit', () => {
    const now = Date.parse('2026-03-02T08:00:00Z');
    expect(moscow.ago('2026-03-02T07:59:48Z', now)).toMatch(/^12\s?sec/);
    expect(moscow.ago('2026-03-02T05:00:00Z', now)).toMatch(/^3\s?h/);
    expect(moscow.span(12_900)).toMatch(/^12\s?s$/);
  });

  it('write a clock’s offset with its sign', () => {
    expect(moscow.offset(0)).toMatch(/^0/);
    expect(moscow.offset(12)).toMatch(/^\+12/);
    expect(moscow.offset(-3_700_000)).toMatch(/^-1\s?h/);
  });

  it('survive a zone and a text that nobody knows', () => {
    expect(() => new Moments('en', 'Mars/Olympus').clock('2026-03-02T08:00:00Z')).not.toThrow();
    expect(moscow.clock('yesterday')).toBe('');
  });
});

describe('a failed call', () => {
  it('is told in the server’s words with its fields', () => {
    const problem = new Problem(422, 'The input is wrong.', [{ field: 'email', problem: 'is no address' }]);
    expect(explain(problem, en)).toBe('The input is wrong. · email: is no address');
  });

  it('says a thing once', () => {
    const problem = new Problem(422, 'name: is empty', [{ field: 'name', problem: 'is empty' }]);
    expect(explain(problem, en)).toBe('name: is empty');
  });

  it('is told in the reader’s language where the status says enough', () => {
    expect(explain(new Problem(429, 'Too many attempts'), ru)).toBe(ru.failure.tooMany);
    expect(explain(new Problem(503, 'Busy'), ru)).toBe(ru.failure.server);
    expect(explainSignIn(new Problem(401, 'No.'), ru)).toBe(ru.login.wrong);
    expect(explainSignIn(new Problem(429, 'No.'), ru)).toBe(ru.failure.tooMany);
  });

  it('tells a silent server from one that is away', () => {
    expect(explain(new DOMException('late', 'TimeoutError'), en)).toBe(en.failure.timeout);
    expect(explain(new TypeError('Failed to fetch'), ru)).toBe(ru.failure.network);
  });
});

function untranslated(one: object, other: object, path = ''): string[] {
  return Object.entries(one).flatMap(([name, value]) => {
    const twin = (other as Record<string, unknown>)[name];
    const here = `${path}/${name}`;
    if (typeof value === 'object' && value !== null)
      return untranslated(value as object, twin as object, here);
    const same = typeof value === 'string' && value === twin && /[a-z]{2}/.test(value) && name !== 'product';
    return same ? [here] : [];
  });
}
