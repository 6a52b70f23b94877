/** The one socket of this tab: an unmodified Centrifuge client, its state, and the personal channel. */
import { Centrifuge, UnauthorizedError, type Subscription } from 'centrifuge';
import { Problem, readReason } from '../session/problem';
import type { Session } from '../session/session.svelte';
import type { SocketState } from './staleness';
import type { Subscribed } from './views';

const INVALID_TOKEN = 3500;
const RECONNECT = { minReconnectDelay: 300, maxReconnectDelay: 5000 };
const RESUBSCRIBE = { minResubscribeDelay: 300, maxResubscribeDelay: 5000 };

/** What the owner of the personal channel hears. */
export interface PersonalChannel {
  subscribed(answer: Subscribed): void;
  published(body: unknown): void;
}

export class Link {
  state = $state<SocketState>('connecting');
  /** When the state last changed, on the clock of `performance.now()`. */
  changedAt = $state(performance.now());
  /** Why the server closed the socket for good. */
  reason = $state('');
  /** Whether it was ever connected. */
  wasConnected = $state(false);

  readonly #session: Session;
  readonly #client: Centrifuge;
  #id = '';

  constructor(session: Session, personal: PersonalChannel) {
    this.#session = session;
    this.#client = new Centrifuge(address(), { ...RECONNECT, getToken: () => this.#token() });
    this.#client.on('connecting', (said) => this.#become('connecting', said.reason));
    this.#client.on('connected', (said) => {
      this.#id = said.client;
      this.#become('connected', '');
    });
    this.#client.on('disconnected', (said) => this.#closed(said.code, said.reason));
    this.#client.on('subscribed', (answer) => personal.subscribed(answer));
    this.#client.on('publication', (publication) => personal.published(publication.data));
    this.#client.connect();
  }

  /** Returns a new subscription to a channel; its owner subscribes, and gives it back to `drop`. */
  follow(channel: string): Subscription {
    return this.#client.newSubscription(channel, RESUBSCRIBE);
  }

  /** The id that the server has given this connection; empty while there is none. */
  get client(): string {
    return this.#id;
  }

  /** Ends a subscription. */
  drop(subscription: Subscription): void {
    subscription.unsubscribe();
    this.#client.removeSubscription(subscription);
  }

  /** Connects again after the server closed the socket for good. */
  reconnect(): void {
    this.#client.connect();
  }

  /** Closes the socket. */
  close(): void {
    this.#client.removeAllListeners();
    this.#client.disconnect();
  }

  #become(state: SocketState, reason: string): void {
    // Each failed attempt reports `connecting` again; how long it lasts counts from the first.
    if (state !== this.state) this.changedAt = performance.now();
    this.wasConnected ||= state === 'connected';
    this.state = state;
    this.reason = readReason(reason);
  }

  #closed(code: number, reason: string): void {
    this.#become('disconnected', reason);
    if (code === INVALID_TOKEN)
      this.#session.otherToken().then(
        () => this.reconnect(),
        () => undefined,
      );
  }

  async #token(): Promise<string> {
    try {
      return await this.#session.freshToken();
    } catch (error) {
      // Any other failure is passing: the client asks again after a pause.
      if (error instanceof Problem && error.signedOut) throw new UnauthorizedError(error.message);
      throw error;
    }
  }
}

function address(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/connection/websocket`;
}
