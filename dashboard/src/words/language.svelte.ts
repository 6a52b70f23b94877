/** The language of the screen: the browser's own at first, then what was chosen. */
import { recall, remember } from '../session/memory';
import { en, type Words } from './en';
import { ru } from './ru';

/** The languages there are, in the order of the switch. */
export const LANGUAGES: readonly Words[] = [en, ru];

/** Returns the first of the wanted languages that there is, else English. */
export function pickLanguage(wanted: readonly string[]): Words {
  for (const tag of wanted) {
    const found = LANGUAGES.find((language) => tag.toLowerCase().split('-')[0] === language.code);
    if (found) return found;
  }
  return en;
}

class Language {
  words = $state.raw<Words>(pickLanguage([recall('language') ?? '', ...navigator.languages]));

  /** Speaks another language from now on, and after a reload. */
  choose(code: string): void {
    this.words = pickLanguage([code]);
    remember('language', code);
  }
}

export const language = new Language();
