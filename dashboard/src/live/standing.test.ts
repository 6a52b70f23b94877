import { describe, expect, it } from 'vitest';
import type { GateView } from './shapes';
import { standingOf } from './standing';

function gate(name: string, mode: string, obeys?: boolean): { key: string; version: number; data: GateView } {
  const data = { gateId: 1, name, mode, ...(obeys === undefined ? {} : { obeys }) } as GateView;
  return { key: name, version: 1, data };
}

describe('what holds for a site', () => {
  it('is nothing where gates work by their own orders', () =>
    expect(standingOf([gate('a', 'normal'), gate('b', 'locked', false)])).toBeNull());

  it('tells which gates have not said that they have it', () => {
    const standing = standingOf([
      gate('a', 'lockdown', true),
      gate('b', 'lockdown', false),
      gate('c', 'normal'),
    ]);
    expect(standing?.mode).toBe('lockdown');
    expect(standing?.gates.map((one) => one.name)).toEqual(['a', 'b']);
    expect(standing?.waiting.map((one) => one.name)).toEqual(['b']);
  });
});
