/** Who is signed in, and at which sites they may watch. */

/** A role somebody holds, at one site or (without a site) everywhere. */
export interface Role {
  readonly siteId: number | null;
  readonly role: string;
}

/** The signed-in person. */
export interface Account {
  readonly id: number;
  readonly email: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly roles: readonly Role[];
}

/** A place with gates. */
export interface Site {
  readonly siteId: number;
  readonly name: string;
  readonly timeZone: string;
}

const GUARDS: ReadonlySet<string> = new Set(['guard', 'manager', 'admin']);
const STAFF: ReadonlySet<string> = new Set([...GUARDS, 'desk']);

/** Returns the sites whose gates the account may watch; the server has the last word when it is followed. */
export function watchable(sites: readonly Site[], account: Account): Site[] {
  return sites.filter((site) => isStaff(account, site.siteId));
}

/** Returns whether the account works at the site; it decides what is offered, the server what is allowed. */
export function isStaff(account: Account, siteId: number): boolean {
  return holds(account, STAFF, siteId);
}

/**
 * Returns whether the account guards the site, which the desk does not: it orders gates, sees to alarms and evacuates.
 *
 * It decides what is offered, the server what is allowed.
 */
export function isGuard(account: Account, siteId: number): boolean {
  return holds(account, GUARDS, siteId);
}

/** Returns whether the account may see what the hubs do; it decides what is offered, the server what is allowed. */
export function seesHubs(account: Account): boolean {
  return account.roles.some((held) => GUARDS.has(held.role));
}

/** Returns the account's name as people say it. */
export function nameOf(account: Account): string {
  return [account.firstName, account.lastName].filter(Boolean).join(' ') || account.email;
}

function holds(account: Account, roles: ReadonlySet<string>, siteId: number): boolean {
  return account.roles.some(
    (held) => roles.has(held.role) && (held.siteId === null || held.siteId === siteId),
  );
}
