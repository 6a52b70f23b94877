/** The look of a notice by its kind. */
import type { Tone } from '../feed/outcome';

const TONES: Record<string, Tone> = {
  guest_arrived: 'admit',
  guest_pass_requested: 'event',
  alarm_escalated: 'alarm',
};

/** Returns the look; a kind that this page does not know is plain news. */
export function toneOfNotice(kind: string): Tone {
  return Object.hasOwn(TONES, kind) ? (TONES[kind] ?? 'event') : 'event';
}
