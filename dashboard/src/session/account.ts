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

const STAFF = new Set(['guard', 'desk', 'manager', 'admin']);

/** Returns the sites whose gates the account may watch; the server has the last word when it is followed. */
export function watchable(sites: readonly Site[], account: Account): Site[] {
  return sites.filter((site) => isStaff(account, site.siteId));
}

/** Returns whether the account works at the site; it decides what is offered, the server what is allowed. */
export function isStaff(account: Account, siteId: number): boolean {
  return account.roles.some(
    (held) => STAFF.has(held.role) && (held.siteId === null || held.siteId === siteId),
  );
}

/** Returns whether the account may give gates of the site orders; it decides what is offered, the server what is allowed. */
export function mayOrder(account: Account, siteId: number): boolean {
  return account.roles.some(
    (held) =>
      held.role !== 'desk' && STAFF.has(held.role) && (held.siteId === null || held.siteId === siteId),
  );
}

/** Returns whether the account may see what the hubs do; it decides what is offered, the server what is allowed. */
export function seesHubs(account: Account): boolean {
  return account.roles.some((held) => held.role !== 'desk' && STAFF.has(held.role));
}

/** Returns the account's name as people say it. */
export function nameOf(account: Account): string {
  return [account.firstName, account.lastName].filter(Boolean).join(' ') || account.email;
}
