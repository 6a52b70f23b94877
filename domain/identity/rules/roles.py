"""Who may give which role where."""

from typing import Literal

from domain.kernel.caller import Caller
from domain.kernel.errors import Forbidden, Invalid

GrantedRole = Literal["member", "guard", "desk", "manager", "admin"]


def check_grant(caller: Caller, role: GrantedRole, site_id: int | None) -> None:
    """Refuse a caller who may not give or take this role: managers act at their own sites, admins everywhere.

    Raises:
        Invalid: The role and the site do not go together.
        Forbidden: They do, and it is not the caller's to give.
    """
    if role == "admin" and site_id is not None:
        raise Invalid.field("siteId", "must be null for the role admin, which is held everywhere")
    if role != "admin" and site_id is None:
        raise Invalid.field("siteId", f"is required for the role {role}, which is held at a site")
    if role == "admin" and not caller.everywhere:
        raise Forbidden("Only admins may give or take the role admin")
    if not caller.holds("manager", site_id=site_id):
        raise Forbidden(f"This needs the role manager at site {site_id}")
