/** The passing of time, as state: whatever says “12 s ago” reads it. */

const PERIOD_MS = 500;

export class Ticker {
  /** The moment of the last tick, on the clock of `performance.now()`. */
  now = $state(performance.now());
  readonly #timer = setInterval(() => (this.now = performance.now()), PERIOD_MS);

  /** Stops the ticking. */
  close(): void {
    clearInterval(this.#timer);
  }
}
