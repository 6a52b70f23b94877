/** The pulse of one site: the last beat, and when this tab heard it. */
import type { Subscription } from 'centrifuge';
import type { Link } from './link.svelte';
import type { Pulse } from './shapes';

export class Heartbeat {
  last = $state.raw<Pulse | null>(null);
  /** When the last beat arrived, on the clock of `performance.now()`. */
  heardAt = $state<number | null>(null);
  /** Since when the beats say that the broker is away. */
  brokerLostAt = $state<number | null>(null);
  readonly watchingSince = performance.now();

  readonly #link: Link;
  readonly #subscription: Subscription;
  #serverAheadMs = 0;

  constructor(link: Link, siteId: number) {
    this.#link = link;
    this.#subscription = link.follow(`pulse:${siteId}`);
    this.#subscription.on('publication', (publication) => this.#hear(publication.data as Pulse));
    this.#subscription.subscribe();
  }

  /** Returns the time by the server's clock, as unix milliseconds, so that a wrong clock here tells no lies. */
  serverNow(): number {
    return Date.now() + this.#serverAheadMs;
  }

  /** Stops listening. */
  close(): void {
    this.#subscription.removeAllListeners();
    this.#link.drop(this.#subscription);
  }

  #hear(pulse: Pulse): void {
    this.last = pulse;
    this.heardAt = performance.now();
    this.brokerLostAt = pulse.brokerConnected ? null : (this.brokerLostAt ?? this.heardAt);
    const sentAt = Date.parse(pulse.at);
    if (Number.isFinite(sentAt)) this.#serverAheadMs = sentAt - Date.now();
  }
}
