/** Refusals are shown in the server's words, whatever form its answer has. */
import { describe, expect, it } from 'vitest';
import { readProblem, readReason } from './problem';

describe('a refusal', () => {
  it('is told by its detail', () => {
    const problem = readProblem(403, {
      title: 'Not allowed',
      detail: 'Only a guard of this site may do this.',
    });
    expect(problem.message).toBe('Only a guard of this site may do this.');
    expect(problem.signedOut).toBe(false);
  });

  it('names the fields that were wrong', () => {
    const errors = [{ field: 'email', problem: 'is no address' }, { field: 7 }, null];
    expect(readProblem(422, { detail: 'No.', errors }).fields).toEqual([
      { field: 'email', problem: 'is no address' },
    ]);
  });

  it('falls back on the title, then on the status', () => {
    expect(readProblem(409, { title: 'Too late', detail: '' }).message).toBe('Too late');
    for (const body of [null, undefined, 'Bad Gateway', 4, []]) {
      expect(readProblem(502, body).message).toBe('HTTP 502');
    }
  });

  it('may come on the socket as text or as a problem', () => {
    expect(readReason('permission denied')).toBe('permission denied');
    expect(readReason('{"status":403,"detail":"Not your site."}')).toBe('Not your site.');
    expect(readReason('{broken')).toBe('{broken');
  });
});
