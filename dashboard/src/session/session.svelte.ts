/**
 * The signed-in session of this tab.
 *
 * 1. The access token lives in this object and nowhere else: no storage that a foreign script could read later.
 * 2. The refresh token is an HttpOnly cookie, which no script sees; it is spent by one tab at a time.
 * 3. A token is renewed before it ends; when the server says the session is over, the screen goes back to the login.
 */
import type { Account } from './account';
import { exchange, type Request } from './exchange';
import { Problem } from './problem';

interface Grant {
  readonly accessToken: string;
  readonly expiresIn: number;
}

const SESSION_PATH = '/app/session';
const RETRY_MS = 3000;
const LEAST_REST_MS = 5000;
/** The share of a token's life after which it is renewed. */
const RENEW_AT = 0.8;

export class Session {
  /** `starting` until it is known whether the cookie still carries a session. */
  phase = $state<'starting' | 'out' | 'in'>('starting');
  account = $state.raw<Account | null>(null);
  /** Whether the server could not be reached while starting. */
  unreachable = $state(false);

  #token = '';
  #freshUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewal: Promise<string> | null = null;
  #otherTabs = new BroadcastChannel('gatehouse-session');

  constructor() {
    // The cookie is shared: who signs in elsewhere is signed in here too, and this tab must not mix the two.
    this.#otherTabs.onmessage = (said: MessageEvent<'begun' | 'ended'>) =>
      said.data === 'ended' ? this.#forget() : location.reload();
  }

  /** Finds the session that a reload left behind, and keeps trying while the server is away. */
  async resume(): Promise<void> {
    try {
      await this.#renew();
      await this.#enter();
    } catch (error) {
      if (error instanceof Problem && !error.passing) return this.#forget();
      this.unreachable = true;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.resume(), RETRY_MS);
    }
  }

  /** Signs in; throws what the server has against it. */
  async begin(email: string, password: string): Promise<void> {
    this.#accept(await exchange<Grant>({ method: 'POST', path: SESSION_PATH, body: { email, password } }));
    this.#otherTabs.postMessage('begun');
    await this.#enter();
  }

  /** Signs out here and in the other tabs, and tells the server; throws if the server could not be told. */
  async end(): Promise<void> {
    this.#otherTabs.postMessage('ended');
    this.#forget();
    await exchange({ method: 'DELETE', path: SESSION_PATH });
  }

  /** Returns an access token with some life left, renewed if need be. */
  async freshToken(): Promise<string> {
    return performance.now() < this.#freshUntil ? this.#token : this.#renewOrLeave();
  }

  /** Renews the token although it has life left, for a server that does not take it any more. */
  async otherToken(): Promise<string> {
    return this.#renewOrLeave();
  }

  /** Calls the server as this account; a token it does not take any more is renewed once. */
  async call<T>(request: Omit<Request, 'token'>): Promise<T> {
    try {
      return await exchange<T>({ ...request, token: await this.freshToken() });
    } catch (error) {
      if (!(error instanceof Problem && error.signedOut) || this.phase === 'out') throw error;
      return exchange<T>({ ...request, token: await this.#renewOrLeave() });
    }
  }

  async #enter(): Promise<void> {
    this.account = await exchange<Account>({ method: 'GET', path: '/api/auth/me', token: this.#token });
    this.unreachable = false;
    this.phase = 'in';
  }

  async #renewOrLeave(): Promise<string> {
    try {
      return await this.#renew();
    } catch (error) {
      if (error instanceof Problem && (error.signedOut || error.status === 403)) this.#forget();
      throw error;
    }
  }

  /** All who need a token at the same moment wait for one renewal, in this tab and across tabs. */
  #renew(): Promise<string> {
    const ask = async (): Promise<string> => {
      const grant = await exchange<Grant | undefined>({ method: 'POST', path: `${SESSION_PATH}/refresh` });
      // A server may answer “there is no session” without calling it an error.
      if (grant === undefined) throw new Problem(401, '');
      this.#accept(grant);
      return grant.accessToken;
    };
    // Locks are missing on plain http pages of other machines; there the server's grace for two tabs must do.
    const inTurn = (): Promise<string> =>
      'locks' in navigator ? navigator.locks.request('gatehouse-session', ask) : ask();
    this.#renewal ??= inTurn().finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  #accept(grant: Grant): void {
    const restMs = Math.max(grant.expiresIn * 1000 * RENEW_AT, LEAST_REST_MS);
    this.#token = grant.accessToken;
    this.#freshUntil = performance.now() + restMs;
    this.#plan(restMs);
  }

  #plan(restMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#renewOrLeave().catch(() => {
        if (this.phase === 'in') this.#plan(RETRY_MS);
      });
    }, restMs);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#token = '';
    this.#freshUntil = 0;
    this.account = null;
    this.unreachable = false;
    this.phase = 'out';
  }
}
