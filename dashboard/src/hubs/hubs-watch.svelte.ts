/** What the hubs do, asked for every other second while somebody looks. */
import type { Session } from '../session/session.svelte';
import { extend } from './samples';
import type { HubSample, HubsView } from './shapes';

const PERIOD_MS = 2000;

export class HubsWatch {
  /** The latest answer. */
  view = $state.raw<HubsView | null>(null);
  samples = $state.raw<readonly HubSample[]>([]);
  /** What went wrong the last time; null where nothing did. */
  trouble = $state.raw<unknown>(null);

  readonly #session: Session;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(session: Session) {
    this.#session = session;
    document.addEventListener('visibilitychange', this.#wake);
    void this.#look();
  }

  /** Stops asking. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#wake);
  }

  /** A hidden page asks nothing; what it missed comes with the next answer. */
  readonly #wake = (): void => {
    clearTimeout(this.#timer);
    if (!document.hidden) void this.#look();
  };

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const last = this.samples.at(-1)?.at;
      const query = last === undefined ? '' : `?after=${encodeURIComponent(last)}`;
      const view = await this.#session.call<HubsView>({ method: 'GET', path: `/api/hubs${query}` });
      this.samples = extend(this.samples, view.samples);
      this.view = view;
      this.trouble = null;
    } catch (error) {
      this.trouble = error;
    }
    if (!this.#closed && !document.hidden) this.#timer = setTimeout(() => void this.#look(), PERIOD_MS);
  }
}
