/** What the feed says of alarms, commands and the rest that is no decision. */
import { describe, expect, it } from 'vitest';
import type { AccessRow } from '../live/shapes';
import { en } from '../words/en';
import { ru } from '../words/ru';
import { happeningOf, particularOf } from './happening';

function row(kind: string, reason: string | null): AccessRow {
  return {
    accessId: 1,
    at: '2026-03-02T08:00:00Z',
    gateId: 1,
    gateName: 'North',
    zoneId: null,
    zoneName: null,
    kind,
    direction: null,
    verdict: null,
    reason,
    passed: null,
    guestPassId: null,
    person: null,
    hostName: null,
    source: 'online',
    historical: false,
    seq: 1,
  };
}

describe('a command', () => {
  it('that was obeyed says no more than that', () => {
    expect(happeningOf(row('cmd', 'ok'), en)).toBe('Command carried out');
    expect(particularOf(row('cmd', 'ok'), en)).toBe('');
  });

  it.each(['bad_sig', 'replayed', 'expired'])(
    'that was refused as “%s” says why, in both languages',
    (code) => {
      for (const words of [en, ru]) {
        expect(happeningOf(row('cmd', code), words)).toBe(words.commandRefused);
        expect(particularOf(row('cmd', code), words)).not.toBe(code);
        expect(particularOf(row('cmd', code), words)).not.toBe('');
      }
      expect(particularOf(row('cmd', code), ru)).toMatch(/[а-я]/);
    },
  );

  it('that a device refused with a word of its own shows the word', () => {
    expect(particularOf(row('cmd', 'motor_stuck'), en)).toBe('motor_stuck');
  });
});

describe('what a gate says of itself', () => {
  it('names the alarm', () => {
    expect(happeningOf(row('alarm_on', 'tamper'), en)).toBe('Alarm raised');
    expect(particularOf(row('alarm_on', 'tamper'), ru)).toBe('вскрыт корпус');
  });

  it('does not say its kind twice', () => {
    expect(particularOf(row('correction', 'correction'), en)).toBe('');
    expect(particularOf(row('boot', null), en)).toBe('');
  });
});
