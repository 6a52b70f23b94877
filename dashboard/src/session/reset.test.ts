/** A letter's link is read in the browser only, and a password is looked at before it is sent. */
import { describe, expect, it } from 'vitest';
import { Problem } from './problem';
import { leadsToReset, objectionTo, refusalIn, tokenIn } from './reset';

describe('the link of a letter', () => {
  it('leads to its own page', () => {
    expect(leadsToReset('/app/reset-password')).toBe(true);
    expect(leadsToReset('/app/reset-password/')).toBe(true);
    expect(leadsToReset('/app/')).toBe(false);
    expect(leadsToReset('/app/reset-password/more')).toBe(false);
  });

  it('carries its token behind the #', () => {
    expect(tokenIn('#token=AAECAw-_9')).toBe('AAECAw-_9');
    expect(tokenIn('#from=mail&token=abc')).toBe('abc');
  });

  it.each(['', '#', '#token=', '#tok=abc', '#token=%20'])('“%s” carries none', (fragment) => {
    expect(tokenIn(fragment)).toBe('');
  });
});

describe('a new password', () => {
  it('has eight characters at least', () => {
    expect(objectionTo('seven 7', 'seven 7')).toBe('short');
    expect(objectionTo('eight  8', 'eight  8')).toBeNull();
  });

  it('is counted as the server counts it', () => {
    // Seven letters, whatever their number of units and of accents typed apart.
    expect(objectionTo('🔑🔑🔑🔑🔑🔑🔑', '')).toBe('short');
    expect(objectionTo('e\u0301'.repeat(7), '')).toBe('short');
  });

  it('is the same both times', () => {
    expect(objectionTo('correct horse', 'correct house')).toBe('different');
  });
});

describe('the server’s refusal', () => {
  const refusal = (field: string): Problem => new Problem(422, 'No.', [{ field, problem: 'is not right' }]);

  it('tells a worthless link from a password that may not be kept', () => {
    expect(refusalIn(refusal('token'))).toBe('worthless');
    expect(refusalIn(refusal('password'))).toBe('unfit');
  });

  it('may be about neither', () => {
    expect(refusalIn(new Problem(429, 'Too many attempts'))).toBeNull();
    expect(refusalIn(new TypeError('Failed to fetch'))).toBeNull();
  });
});
