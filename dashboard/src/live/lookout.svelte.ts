/** What this screen attends to, and what the others on duty do, over the signals of the access feed. */
import type { PublicationContext, Subscription } from 'centrifuge';
import { AGAIN_MS, Attention, readLooked } from './attention';

const TICK_MS = 1000;

export class Lookout {
  /** The names of those who look, by row. */
  names = $state.raw<ReadonlyMap<string, readonly string[]>>(new Map());
  /** The row this screen attends to. */
  mine = $state<string | null>(null);

  readonly #subscription: Subscription;
  readonly #attention = new Attention();
  readonly #own: () => string;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);
  #saidAt = 0;

  /** `own` tells the id of this screen's connection. */
  constructor(subscription: Subscription, own: () => string) {
    this.#subscription = subscription;
    this.#own = own;
    subscription.on('publication', (publication) => this.#hear(publication));
  }

  /** Attends to a row, or to it no longer. */
  toggle(key: string): void {
    const before = this.mine;
    if (before !== null) this.#say(before, false);
    this.mine = before === key ? null : key;
    if (this.mine !== null) this.#say(this.mine, true);
  }

  /** Looks no longer. */
  close(): void {
    clearInterval(this.#timer);
    if (this.mine !== null) this.#say(this.mine, false);
  }

  #hear(publication: PublicationContext): void {
    const looked = readLooked(publication.data);
    const client = publication.info?.client;
    if (looked === undefined || client === undefined || client === this.#own()) return;
    this.#attention.take(looked, client, performance.now());
    this.names = this.#attention.names(performance.now());
  }

  #say(key: string, looking: boolean): void {
    this.#saidAt = performance.now();
    // What could not be said is said again with the next beat.
    this.#subscription.publish({ key, looking }).catch(() => undefined);
  }

  #tick(): void {
    const now = performance.now();
    if (this.mine !== null && now - this.#saidAt >= AGAIN_MS) this.#say(this.mine, true);
    if (this.names.size > 0) this.names = this.#attention.names(now);
  }
}
