/** Samples join whichever hub has answered, charts keep within their field, figures fit their unit. */
import { describe, expect, it } from 'vitest';
import { Figures } from './figures';
import { extend, KEPT_MS, sampleAt } from './samples';
import type { HubSample } from './shapes';
import { across, area, ceilingOf, HEIGHT, outline, WIDTH } from './spark';

const START = Date.parse('2026-03-02T08:00:00Z');

function sample(seconds: number, connections = 0, p50S: number | null = null): HubSample {
  return {
    at: new Date(START + seconds * 1000).toISOString(),
    hubs: 1,
    connections,
    subscriptions: 0,
    clogged: 0,
    publicationsPerS: 0,
    deliveriesPerS: 0,
    commandsPerS: 0,
    recoveredPerS: 0,
    unrecoveredPerS: 0,
    droppedPerS: 0,
    p50S,
    p99S: null,
  };
}

describe('samples', () => {
  it('go on where they were, without what came twice', () => {
    const held = extend([], [sample(0), sample(2), sample(4)]);
    const all = extend(held, [sample(3), sample(4), sample(6)]);
    expect(all.map((one) => (Date.parse(one.at) - START) / 1000)).toEqual([0, 2, 4, 6]);
  });

  it('are forgotten when they are too old', () => {
    const all = extend([sample(0), sample(10)], [sample(KEPT_MS / 1000 + 5)]);
    expect(all.map((one) => (Date.parse(one.at) - START) / 1000)).toEqual([10, KEPT_MS / 1000 + 5]);
  });

  it('are found by a share of the time', () => {
    const all = [sample(0), sample(2), sample(10)];
    expect([0, 0.3, 0.59, 0.61, 1].map((share) => all.indexOf(sampleAt(all, share)!))).toEqual([
      0, 1, 1, 2, 2,
    ]);
    expect(sampleAt([], 0.5)).toBeUndefined();
  });
});

describe('a chart', () => {
  it.each([
    [[0, null], 1],
    [[0.0004], 0.0005],
    [[3, 1], 5],
    [[10], 10],
    [[10.1], 20],
    [[730_000], 1_000_000],
  ])('has a round top above %s', (values, top) => {
    expect(ceilingOf(values)).toBeCloseTo(top, 10);
  });

  it('goes from the left to the right by time', () => {
    const all = [sample(0), sample(1), sample(4)];
    expect(all.map((one) => across(all, one.at))).toEqual([0, WIDTH / 4, WIDTH]);
    expect(across([sample(0)], sample(0).at)).toBe(WIDTH);
  });

  it('lifts the pen at a gap, and fills down to the ground', () => {
    const all = [sample(0, 0, 1), sample(1), sample(2, 10, 0.5), sample(4, 10, 2)];
    expect(outline(all, (one) => one.p50S, 1)).toBe(`M0 0M150 ${HEIGHT / 2}L300 0`);
    expect(area(all, (one) => one.connections, 10)).toBe(`M0 64L75 64L150 0L300 0L${WIDTH} 64L0 64Z`);
    expect(area([], (one) => one.connections, 10)).toBe('');
  });
});

describe('figures', () => {
  const figures = new Figures('en');

  it('carry the unit that fits', () => {
    expect(figures.span(0.00042)).toMatch(/^0\.4\sms$/);
    expect(figures.span(0.0421)).toMatch(/^42\sms$/);
    expect(figures.span(1.25)).toMatch(/^1\.3\ss(ec)?$/);
    expect(figures.span(null)).toBe('—');
    expect(new Figures('ru').span(0.0042)).toMatch(/^4,2\sмс$/);
  });

  it('are short', () => {
    expect([0.04, 0.5, 84.4, 9999, 1_234_567].map((value) => figures.short(value))).toEqual([
      '0',
      '0.5',
      '84',
      '9,999',
      '1.2M',
    ]);
  });
});
