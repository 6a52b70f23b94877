/** What about a gate asks for a look. */
import { isOlder } from './firmware';
import type { GateView } from './shapes';

/** The signs a watcher should notice. */
export interface GateHealth {
  readonly lost: boolean;
  readonly behind: boolean;
  readonly gaps: boolean;
  readonly clockOff: boolean;
  readonly batteryLow: boolean;
  readonly onBattery: boolean;
  readonly outdated: boolean;
  readonly unreadable: boolean;
  readonly lockedOut: boolean;
}

/** A clock further off than this makes time windows go wrong. */
const CLOCK_LIMIT_MS = 2000;
/** A clock nearer than this is right, as far as anybody can tell over a network. */
const CLOCK_NOISE_MS = 100;
/** More events than this waiting in a gate are no longer the ones on their way. */
const QUEUE_LIMIT = 5;
/** Below this many per cent somebody should bring a battery. */
const BATTERY_LIMIT = 20;

/** Returns whether a gate's clock goes as the server's does. */
export function inStep(clockOffsetMs: number): boolean {
  return Math.abs(clockOffsetMs) < CLOCK_NOISE_MS;
}

/** Returns what is wrong with a gate, as the server's numbers tell it, beside the firmware that most gates have. */
export function healthOf(gate: GateView, usualFirmware: string | null = null): GateHealth {
  return {
    lost: gate.link === 'offline',
    behind: (gate.queueDepth ?? 0) > QUEUE_LIMIT,
    gaps: (gate.missing ?? 0) > 0,
    clockOff: Math.abs(gate.clockOffsetMs ?? 0) > CLOCK_LIMIT_MS,
    batteryLow: (gate.health?.battery ?? 100) < BATTERY_LIMIT,
    onBattery: gate.health?.power === 'battery',
    outdated: isOlder(gate.firmware, usualFirmware),
    unreadable: (gate.quarantined ?? 0) > 0,
    lockedOut: gate.deviceEnabled === false,
  };
}
