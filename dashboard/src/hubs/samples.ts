/** The samples of the last quarter of an hour, whichever hub has answered. */
import type { HubSample } from './shapes';

export const KEPT_MS = 900_000;

/**
 * Returns the samples held and those that came, oldest first, without what is too old.
 *
 * Every hub takes samples of its own, so an answer of another hub may begin a little before the last one held.
 */
export function extend(held: readonly HubSample[], came: readonly HubSample[]): readonly HubSample[] {
  const last = Date.parse(held.at(-1)?.at ?? '');
  const newer = Number.isNaN(last) ? came : came.filter((sample) => Date.parse(sample.at) > last);
  const all = [...held, ...newer];
  const oldest = Date.parse(all.at(-1)?.at ?? '') - KEPT_MS;
  return all.filter((sample) => Date.parse(sample.at) >= oldest);
}

/** Returns the sample nearest to a share of the time that is shown, or undefined where there is none. */
export function sampleAt(samples: readonly HubSample[], share: number): HubSample | undefined {
  const first = Date.parse(samples[0]?.at ?? '');
  const last = Date.parse(samples.at(-1)?.at ?? '');
  const wanted = first + (last - first) * share;
  let nearest: HubSample | undefined;
  let distance = Infinity;
  for (const sample of samples) {
    const away = Math.abs(Date.parse(sample.at) - wanted);
    if (away < distance) [nearest, distance] = [sample, away];
  }
  return nearest;
}
