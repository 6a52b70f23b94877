/** Moments, spans and numbers as people of a language read them, at the time of a site. */

/** Writes moments in one language and one time zone. */
export class Moments {
  readonly #language: string;
  readonly #clock: Intl.DateTimeFormat;
  readonly #short: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #dayAndTime: Intl.DateTimeFormat;
  readonly #zone: Intl.DateTimeFormat;

  constructor(language: string, timeZone: string) {
    const zone = knownZone(timeZone);
    // British English writes the 24-hour clock and the day first, as the rest of the screen does.
    const locale = language === 'en' ? 'en-GB' : language;
    const formatter = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
      new Intl.DateTimeFormat(locale, { ...options, ...zone });
    const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
    this.#language = locale;
    this.#clock = formatter({ ...time, second: '2-digit' });
    this.#short = formatter(time);
    this.#day = formatter({ day: 'numeric', month: 'short' });
    this.#dayAndTime = formatter({ ...time, day: 'numeric', month: 'short' });
    this.#zone = formatter({ timeZoneName: 'short' });
  }

  /** Returns the time of day to the second. */
  clock(moment: string | number): string {
    return write(this.#clock, moment);
  }

  /** Returns the time of day to the minute. */
  short(moment: string | number): string {
    return write(this.#short, moment);
  }

  /** Returns the day, or nothing for a moment of the same day as `now`. */
  otherDay(moment: string | number, now: number): string {
    const day = write(this.#day, moment);
    return day === write(this.#day, now) ? '' : day;
  }

  /** Returns the time, with its day when that is not today. */
  when(moment: string | number, now: number): string {
    return this.otherDay(moment, now) === '' ? this.short(moment) : write(this.#dayAndTime, moment);
  }

  /** Returns the zone's short name at a moment, such as `GMT+3`. */
  zoneName(moment: number): string {
    return this.#zone.formatToParts(moment).find((part) => part.type === 'timeZoneName')?.value ?? '';
  }

  /** Returns how long ago a moment was, in the largest fitting unit. */
  ago(moment: string, now: number): string {
    const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1000));
    if (!Number.isFinite(seconds)) return '';
    const words = new Intl.RelativeTimeFormat(this.#language, { numeric: 'auto', style: 'short' });
    const [amount, unit] = inLargestUnit(seconds);
    return words.format(-amount, unit);
  }

  /** Returns a span such as `12 s` or `3 min`. */
  span(ms: number): string {
    const [amount, unit] = inLargestUnit(Math.floor(ms / 1000));
    return new Intl.NumberFormat(this.#language, { style: 'unit', unit, unitDisplay: 'narrow' }).format(
      amount,
    );
  }

  /** Returns a number with the language's separators. */
  number(value: number): string {
    return new Intl.NumberFormat(this.#language).format(value);
  }

  /** Returns a clock's offset with its sign, in milliseconds or, when large, in a larger unit. */
  offset(ms: number): string {
    const [amount, unit] = Math.abs(ms) < 1000 ? [ms, 'millisecond'] : largest(ms);
    return new Intl.NumberFormat(this.#language, {
      style: 'unit',
      unit,
      unitDisplay: 'short',
      signDisplay: 'exceptZero',
    }).format(amount);
  }
}

function knownZone(timeZone: string): { timeZone?: string } {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return { timeZone };
  } catch {
    return {};
  }
}

function write(formatter: Intl.DateTimeFormat, moment: string | number): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? '' : formatter.format(date);
}

function inLargestUnit(seconds: number): [number, 'second' | 'minute' | 'hour' | 'day'] {
  if (seconds < 60) return [seconds, 'second'];
  if (seconds < 3600) return [Math.floor(seconds / 60), 'minute'];
  if (seconds < 86_400) return [Math.floor(seconds / 3600), 'hour'];
  return [Math.floor(seconds / 86_400), 'day'];
}

function largest(ms: number): [number, string] {
  const [amount, unit] = inLargestUnit(Math.floor(Math.abs(ms) / 1000));
  return [Math.sign(ms) * amount, unit];
}
