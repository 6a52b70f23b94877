/** How full a zone is, as a word. */
import type { ZoneView } from './shapes';

/** `open` is a zone without a limit. */
export type Level = 'open' | 'room' | 'nearlyFull' | 'full' | 'over';

const NEARLY = 0.9;

/** Returns how full a zone is. */
export function levelOf(zone: Pick<ZoneView, 'inside' | 'capacity'>): Level {
  if (zone.capacity === null) return 'open';
  if (zone.inside > zone.capacity) return 'over';
  if (zone.inside === zone.capacity) return 'full';
  return zone.inside >= zone.capacity * NEARLY ? 'nearlyFull' : 'room';
}
