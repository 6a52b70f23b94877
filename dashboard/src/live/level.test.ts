/** A zone says in a word how full it is. */
import { expect, it } from 'vitest';
import { levelOf } from './level';

it.each([
  [0, null, 'open'],
  [9_000, null, 'open'],
  [0, 40, 'room'],
  [35, 40, 'room'],
  [36, 40, 'nearlyFull'],
  [40, 40, 'full'],
  [41, 40, 'over'],
  [0, 0, 'full'],
] as const)('%i inside of %s is “%s”', (inside, capacity, level) => {
  expect(levelOf({ inside, capacity })).toBe(level);
});
