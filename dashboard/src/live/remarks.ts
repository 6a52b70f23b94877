/** What does not add up in the numbers of a zone. */
import type { Words } from '../words/en';
import type { Moments } from '../words/moments';
import type { ZoneSum } from './shapes';

type RemarkWords = Words['duty']['muster']['remarks'];

/** Returns a sentence for each thing that does not add up; nothing where all does. */
export function remarksOf(sum: ZoneSum, words: RemarkWords, moments: Moments): string[] {
  const { inside, elsewhere, known } = sum;
  const said: string[] = [];
  if (inside < 0) said.push(words.below(moments.number(-inside)));
  if (elsewhere < 0) said.push(words.leftUnseen(moments.number(-elsewhere)));
  if (elsewhere > 0) said.push(words.cameUnseen(moments.number(elsewhere)));
  if (inside >= 0 && known > inside)
    said.push(words.passesOver(moments.number(known - inside), moments.number(known)));
  return said;
}
