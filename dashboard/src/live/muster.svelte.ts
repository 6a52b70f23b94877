/** The muster under way at a site, or who is inside while there is none; it stays readable when the server is away. */
import type { Session } from '../session/session.svelte';
import type { Link } from './link.svelte';
import { LiveView } from './live-view.svelte';
import type { MusterView, MusterZone, PersonView, ZoneSum } from './shapes';

/** All of it at one moment, as `GET /sites/{siteId}/inside` answers it. */
export interface Sheet {
  readonly at: string;
  readonly zones: readonly ZoneSum[];
  readonly people: readonly PersonView[];
}

type Something = MusterView | MusterZone | PersonView;

const ASK_EVERY_MS = 5000;

export class Muster {
  /** Who is inside by the list that is asked for again and again; null before the first answer. */
  sheet = $state.raw<Sheet | null>(null);
  /** Whether the last question found no answer: what is shown is the last copy. */
  isCopy = $state(false);

  readonly #view: LiveView<Something>;
  readonly #session: Session;
  readonly #siteId: number;
  readonly #timer = setInterval(() => void this.ask(), ASK_EVERY_MS);

  constructor(link: Link, session: Session, siteId: number) {
    this.#session = session;
    this.#siteId = siteId;
    this.#view = new LiveView<Something>(link, `muster:${siteId}`, (one, other) =>
      one.key < other.key ? -1 : 1,
    );
    void this.ask();
  }

  /** The muster under way, or null. */
  get current(): MusterView | null {
    return (this.#view.entries.find((entry) => /^muster:\d+$/.test(entry.key))?.data ??
      null) as MusterView | null;
  }

  /** Everybody who is to be accounted for, those not found first, then by zone and name. */
  get people(): readonly PersonView[] {
    const marked = this.#of<PersonView>('pass');
    const people = this.current === null ? (this.sheet?.people ?? []) : marked;
    return [...people].sort(inOrder);
  }

  /** The zones with their numbers. */
  get zones(): readonly MusterZone[] {
    return this.current === null ? (this.sheet?.zones ?? []) : this.#of<MusterZone>('zone');
  }

  /** Asks who is inside, and keeps the last answer where there is none. */
  async ask(): Promise<void> {
    try {
      const path = `/api/sites/${this.#siteId}/inside`;
      this.sheet = await this.#session.call<Sheet>({ method: 'GET', path });
      this.isCopy = false;
    } catch {
      this.isCopy = true;
    }
  }

  /** Follows it no longer. */
  close(): void {
    clearInterval(this.#timer);
    this.#view.close();
  }

  #of<T>(kind: 'zone' | 'pass'): T[] {
    return this.#view.entries
      .filter((entry) => entry.key.includes(`/${kind}:`))
      .map((entry) => entry.data as T);
  }
}

function inOrder(one: PersonView, other: PersonView): number {
  return (
    Number(one.safe) - Number(other.safe) ||
    (one.zoneName ?? '').localeCompare(other.zoneName ?? '') ||
    one.name.localeCompare(other.name)
  );
}
