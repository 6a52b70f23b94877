/** Numbers of engineers: short, with their unit, of three figures at most. */

/** Writes figures in one language. */
export class Figures {
  readonly #language: string;
  readonly #whole: Intl.NumberFormat;

  constructor(language: string) {
    this.#language = language;
    this.#whole = new Intl.NumberFormat(this.#language, { maximumFractionDigits: 0 });
  }

  /** Returns a whole number. */
  count(value: number): string {
    return this.#whole.format(value);
  }

  /** Returns a number that may be large or small, such as `0.5`, `84` or `1.2M`. */
  short(value: number): string {
    if (value >= 10_000)
      return new Intl.NumberFormat(this.#language, { notation: 'compact', maximumFractionDigits: 1 }).format(
        value,
      );
    return new Intl.NumberFormat(this.#language, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
  }

  /** Returns a span of seconds in the unit that fits, such as `0.4 ms` or `1.2 s`; a dash where there is none. */
  span(seconds: number | null): string {
    if (seconds === null) return '—';
    const [value, unit] = seconds < 1 ? [seconds * 1000, 'millisecond'] : [seconds, 'second'];
    return new Intl.NumberFormat(this.#language, {
      style: 'unit',
      unit,
      unitDisplay: 'short',
      maximumFractionDigits: value < 10 ? 1 : 0,
    }).format(value);
  }

  /** Returns a share of one. */
  share(value: number): string {
    return new Intl.NumberFormat(this.#language, { style: 'percent', maximumFractionDigits: 1 }).format(
      value,
    );
  }
}
