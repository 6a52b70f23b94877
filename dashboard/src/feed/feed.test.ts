/** The access feed: its order, its filter, its pause and its looks. */
import { describe, expect, it } from 'vitest';
import type { AccessRow } from '../live/shapes';
import type { Entry } from '../live/views';
import { newestFirst } from './feed-order';
import { EVERYTHING, matches } from './filter';
import { passageOf, toneOf } from './outcome';
import { stand } from './pause';

const scan: AccessRow = {
  accessId: 1,
  at: '2026-03-02T08:00:00Z',
  gateId: 1,
  gateName: 'North',
  zoneId: 1,
  zoneName: 'Lobby',
  kind: 'decision',
  direction: 'in',
  verdict: 'admit',
  reason: null,
  passed: null,
  guestPassId: null,
  person: null,
  hostName: null,
  source: 'online',
  historical: false,
  seq: 1,
};

function entry(key: string, change: Partial<AccessRow> = {}, version = 1): Entry<AccessRow> {
  return { key, version, data: { ...scan, ...change } };
}

describe('the order of the feed', () => {
  it('is by the time of the event, so that a late row stands where it belongs', () => {
    const rows = [
      entry('late', { at: '2026-03-02T07:00:00Z', historical: true }, 9),
      entry('new', { at: '2026-03-02T11:30:00+03:00' }),
      entry('old', { at: '2026-03-02T06:59:59.999Z' }),
    ];
    expect(rows.sort(newestFirst).map((row) => row.key)).toEqual(['new', 'late', 'old']);
  });

  it('is by sequence within a moment', () => {
    const rows = [entry('a', { seq: 1 }), entry('b', { seq: 2 })];
    expect(rows.sort(newestFirst).map((row) => row.key)).toEqual(['b', 'a']);
  });
});

describe('the filter', () => {
  it('lets everything through unless asked otherwise', () => {
    expect(matches(EVERYTHING, scan)).toBe(true);
  });

  it('picks a gate and an outcome', () => {
    expect(matches({ gateId: 2, outcome: 'all' }, scan)).toBe(false);
    expect(matches({ gateId: 1, outcome: 'deny' }, scan)).toBe(false);
    expect(matches({ gateId: 1, outcome: 'admit' }, scan)).toBe(true);
    expect(matches({ gateId: null, outcome: 'other' }, { ...scan, verdict: null, kind: 'boot' })).toBe(true);
  });
});

describe('a paused feed', () => {
  const frozen = [entry('b'), entry('a')];

  it('runs while it is not paused', () => {
    expect(stand(frozen, null)).toEqual({ shown: frozen, waiting: 0 });
  });

  it('keeps its rows in place and tells how many wait', () => {
    const standing = stand([entry('d'), entry('c'), ...frozen], frozen);
    expect(standing.shown.map((row) => row.key)).toEqual(['b', 'a']);
    expect(standing.waiting).toBe(2);
  });

  it('shows the newer version of a row that is on the screen', () => {
    const standing = stand([entry('b', { passed: true }, 2), entry('a')], frozen);
    expect(standing.shown[0]?.data.passed).toBe(true);
  });

  it('keeps showing rows that the feed has forgotten', () => {
    expect(stand([entry('z')], frozen).shown).toEqual(frozen);
  });
});

describe('a row', () => {
  it('looks like its verdict, or like what the gate says of itself', () => {
    expect(toneOf(scan)).toBe('admit');
    expect(toneOf({ ...scan, verdict: 'deny' })).toBe('deny');
    expect(toneOf({ ...scan, verdict: null, kind: 'alarm_on' })).toBe('alarm');
    expect(toneOf({ ...scan, verdict: null, kind: 'boot' })).toBe('event');
  });

  it('of a walk is one of somebody who was let through', () => {
    const walk: AccessRow = { ...scan, verdict: null, kind: 'passage', passed: true };
    expect(toneOf(walk)).toBe('admit');
    expect(passageOf(walk)).toBe('in');
    expect(matches({ gateId: null, outcome: 'admit' }, walk)).toBe(true);
  });

  it('tells what became of the passage', () => {
    expect(passageOf(scan)).toBe('open');
    expect(passageOf({ ...scan, passed: true })).toBe('in');
    expect(passageOf({ ...scan, passed: true, direction: null })).toBe('walked');
    expect(passageOf({ ...scan, passed: false })).toBe('stayed');
    expect(passageOf({ ...scan, verdict: 'deny' })).toBe('none');
  });
});
