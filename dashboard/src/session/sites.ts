/** The sites as the server lists them. */
import type { Site } from './account';
import type { Session } from './session.svelte';

interface Page {
  readonly items: readonly Site[];
  readonly nextCursor?: string | null;
}

/** More pages than this are no list to pick from. */
const PAGE_LIMIT = 20;

/** Returns all sites the server shows to this session. */
export async function allSites(session: Session): Promise<Site[]> {
  const sites: Site[] = [];
  let cursor: string | null = null;
  for (let at = 0; at < PAGE_LIMIT; at += 1) {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await session.call<Page>({ method: 'GET', path: `/api/sites${query}` });
    sites.push(...page.items);
    cursor = page.nextCursor ?? null;
    if (cursor === null) break;
  }
  return sites;
}
