/** What the screen offers follows from the roles somebody holds. */
import { describe, expect, it } from 'vitest';
import { isGuard, isStaff, nameOf, seesHubs, watchable, type Account, type Role, type Site } from './account';

const sites: Site[] = [1, 2].map((siteId) => ({ siteId, name: `Site ${siteId}`, timeZone: 'UTC' }));

function accountWith(...roles: Role[]): Account {
  return { id: 7, email: 'ann@example.com', firstName: 'Ann', lastName: null, roles };
}

describe('an account', () => {
  it('watches the sites where it works', () => {
    const guard = accountWith({ siteId: 2, role: 'guard' }, { siteId: 1, role: 'member' });
    expect(watchable(sites, guard).map((site) => site.siteId)).toEqual([2]);
  });

  it('watches all sites with a role that is bound to none', () => {
    expect(watchable(sites, accountWith({ siteId: null, role: 'admin' }))).toEqual(sites);
  });

  it('is no staff as a member', () => {
    expect(isStaff(accountWith({ siteId: null, role: 'member' }), 1)).toBe(false);
  });

  it.each(['guard', 'manager', 'admin'])('guards its own site as a %s', (role) => {
    const account = accountWith({ siteId: 1, role });
    expect([1, 2].map((siteId) => isGuard(account, siteId))).toEqual([true, false]);
    expect(seesHubs(account)).toBe(true);
  });

  it('is staff and no guard at the desk', () => {
    const desk = accountWith({ siteId: 1, role: 'desk' }, { siteId: 2, role: 'guard' });
    expect(isStaff(desk, 1)).toBe(true);
    expect(isGuard(desk, 1)).toBe(false);
  });

  it('is called by its name, else by its address', () => {
    expect(nameOf(accountWith())).toBe('Ann');
    expect(nameOf({ ...accountWith(), firstName: null })).toBe('ann@example.com');
  });
});
