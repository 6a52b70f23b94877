/** What holds for a whole site, as its gates show it. */
import type { GateView } from './shapes';
import type { Entry } from './views';

/** A mode that only a site can be in, and which of its gates have said that they are in it. */
export interface Standing {
  readonly mode: 'lockdown' | 'evacuate';
  readonly gates: readonly GateView[];
  readonly waiting: readonly GateView[];
}

/** Returns what the site was ordered, or null where its gates work each by its own order. */
export function standingOf(entries: readonly Entry<GateView>[]): Standing | null {
  const gates = entries.map((entry) => entry.data);
  const mode = gates.find((gate) => gate.mode === 'lockdown' || gate.mode === 'evacuate')?.mode;
  if (mode !== 'lockdown' && mode !== 'evacuate') return null;
  const ordered = gates.filter((gate) => gate.mode === mode);
  return { mode, gates: ordered, waiting: ordered.filter((gate) => gate.obeys === false) };
}
