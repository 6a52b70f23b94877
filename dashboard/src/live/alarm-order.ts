/** In which order alarms want somebody: what nobody has taken first, then the newest. */
import type { AlarmView } from './shapes';
import type { Entry } from './views';

const URGENCY: Record<AlarmView['state'], number> = { raised: 0, acknowledged: 1, cleared: 2, closed: 3 };

/** Compares two alarms. */
export function byUrgency(one: Entry<AlarmView>, other: Entry<AlarmView>): number {
  return (
    URGENCY[one.data.state] - URGENCY[other.data.state] ||
    Date.parse(other.data.lastAt) - Date.parse(one.data.lastAt) ||
    other.data.alarmId - one.data.alarmId
  );
}
