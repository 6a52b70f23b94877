/** One followed feed: its items, kept by `Views`, as state that the screen can read. */
import type { Subscription } from 'centrifuge';
import { readReason } from '../session/problem';
import type { Link } from './link.svelte';
import { Views, readBatch, type Entry } from './views';

type Order<T> = (one: Entry<T>, other: Entry<T>) => number;

export class LiveView<T> {
  /** The items in their order. */
  entries = $state.raw<readonly Entry<T>[]>([]);
  /** Whether the first view has arrived. */
  loaded = $state(false);
  /** Why the server does not let us follow this feed. */
  refusal = $state('');

  readonly #link: Link;
  readonly #order: Order<T>;
  readonly #limit: number;
  readonly #views = new Views<T>();
  /** For signals, which travel on the same channel. */
  readonly subscription: Subscription;
  #painting = false;

  constructor(link: Link, channel: string, order: Order<T>, limit = 2000) {
    this.#link = link;
    this.#order = order;
    this.#limit = limit;
    this.subscription = link.follow(channel);
    this.subscription.on('subscribed', (answer) => {
      this.#views.resume(answer);
      this.loaded = true;
      this.refusal = '';
      this.#paint();
    });
    this.subscription.on('publication', (publication) => {
      this.#views.apply(readBatch<T>(publication.data));
      this.#paintSoon();
    });
    this.subscription.on('unsubscribed', (said) => (this.refusal = readReason(said.reason)));
    this.subscription.subscribe();
  }

  /** Stops following. */
  close(): void {
    this.subscription.removeAllListeners();
    this.#link.drop(this.subscription);
  }

  /** A burst is painted once per frame; a hidden page has no frames and nobody who waits. */
  #paintSoon(): void {
    if (document.hidden) return this.#paint();
    if (this.#painting) return;
    this.#painting = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint(): void {
    this.#painting = false;
    this.#views.keepFirst(this.#limit, this.#order);
    this.entries = this.#views.entries().sort(this.#order);
  }
}
