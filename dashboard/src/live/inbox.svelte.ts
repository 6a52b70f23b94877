/** What the signed-in person was told: the list, what is new in it, and which of it pops up. */
import type { Session } from '../session/session.svelte';
import type { PersonalChannel } from './link.svelte';
import type { NotificationView } from './shapes';
import { Views, readBatch, type Entry, type Subscribed } from './views';

const TOAST_MS = 8000;
const TOAST_LIMIT = 4;
const LIST_LIMIT = 100;

type Notice = Entry<NotificationView>;

export class Inbox implements PersonalChannel {
  /** The newest first. */
  notices = $state.raw<readonly Notice[]>([]);
  /** What came in while somebody was looking, for some seconds. */
  toasts = $state.raw<readonly Notice[]>([]);

  readonly #session: Session;
  readonly #views = new Views<NotificationView>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether something is not read yet. */
  get hasNews(): boolean {
    return this.notices.some((notice) => notice.data.readAt === null);
  }

  subscribed(answer: Subscribed): void {
    if (!answer.recovered && answer.data === undefined) return void this.#fetch();
    this.#views.resume(answer);
    this.#show();
  }

  published(body: unknown): void {
    const batch = readBatch<NotificationView>(body);
    const known = new Set(this.#views.entries().map((notice) => notice.key));
    const changed = this.#views.apply(batch);
    this.#show();
    for (const key of changed) {
      const notice = this.#views.get(key);
      if (notice !== undefined && !known.has(key) && notice.data.readAt === null) this.#pop(notice);
    }
  }

  /** Takes a toast off the screen. */
  dismiss(key: string): void {
    this.hold(key);
    this.toasts = this.toasts.filter((toast) => toast.key !== key);
  }

  /** Keeps a toast on the screen while somebody reads it. */
  hold(key: string): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  /** Lets a toast go after its time. */
  release(key: string): void {
    this.hold(key);
    this.#timers.set(
      key,
      setTimeout(() => this.dismiss(key), TOAST_MS),
    );
  }

  /** Tells the server that a notice was read; the server's view then says so. */
  async read(notice: Notice): Promise<void> {
    const path = `/api/notifications/${notice.data.notificationId}/read`;
    await this.#session.call({ method: 'POST', path, body: {} });
  }

  /** Forgets the timers. */
  close(): void {
    for (const key of [...this.#timers.keys()]) this.hold(key);
  }

  #pop(notice: Notice): void {
    for (const old of this.toasts.slice(TOAST_LIMIT - 1)) this.hold(old.key);
    this.toasts = [notice, ...this.toasts.slice(0, TOAST_LIMIT - 1)];
    this.release(notice.key);
  }

  #show(): void {
    const newest = (one: Notice, other: Notice): number =>
      Date.parse(other.data.createdAt) - Date.parse(one.data.createdAt) ||
      other.data.notificationId - one.data.notificationId;
    this.#views.keepFirst(LIST_LIMIT, newest);
    this.notices = this.#views.entries().sort(newest);
  }

  /** A server that sends no first view on the personal channel answers the list over HTTP. */
  async #fetch(): Promise<void> {
    const path = `/api/notifications?userId=${this.#session.account?.id ?? ''}`;
    const list = await this.#session
      .call<{ items: NotificationView[] }>({ method: 'GET', path })
      .catch(() => ({ items: [] }));
    // Version 0: whatever the channel says is newer.
    const items = list.items.map((data) => ({
      key: `notification:${data.notificationId}`,
      version: 0,
      data,
    }));
    this.#views.apply(readBatch<NotificationView>({ items }));
    this.#show();
  }
}
