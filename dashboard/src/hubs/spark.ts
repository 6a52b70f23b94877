/** The geometry of small charts; time goes to the right, on a field of `WIDTH` by `HEIGHT`. */
import type { HubSample } from './shapes';

export const WIDTH = 300;
export const HEIGHT = 64;

/** What a line of a chart shows of each sample; null is a gap. */
export type Measure = (sample: HubSample) => number | null;

/** Returns a round number not below any of the values, so that the top of a chart does not tremble. */
export function ceilingOf(values: readonly (number | null)[]): number {
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  if (highest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const round = [1, 2, 5, 10].find((step) => step * power >= highest * 0.999999) ?? 10;
  return round * power;
}

/** Returns where a moment lies between the first and the last sample, from 0 to `WIDTH`. */
export function across(samples: readonly HubSample[], at: string): number {
  const first = Date.parse(samples[0]?.at ?? '');
  const span = Date.parse(samples.at(-1)?.at ?? '') - first;
  return span > 0 ? round(((Date.parse(at) - first) / span) * WIDTH) : WIDTH;
}

/** Returns the outline of a line as the commands of an SVG path; a gap lifts the pen. */
export function outline(samples: readonly HubSample[], measure: Measure, ceiling: number): string {
  let path = '';
  let drawing = false;
  for (const sample of samples) {
    const value = measure(sample);
    if (value === null) {
      drawing = false;
      continue;
    }
    const height = round(HEIGHT - (Math.min(value, ceiling) / ceiling) * HEIGHT);
    path += `${drawing ? 'L' : 'M'}${across(samples, sample.at)} ${height}`;
    drawing = true;
  }
  return path;
}

/** Returns the outline of the area below a line without gaps. */
export function area(samples: readonly HubSample[], measure: Measure, ceiling: number): string {
  const whole = outline(samples, (sample) => measure(sample) ?? 0, ceiling);
  return whole === '' ? '' : `${whole}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
