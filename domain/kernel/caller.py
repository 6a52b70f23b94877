"""Who is asking, and what they may do where."""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

Role = Literal["anonymous", "member", "guard", "desk", "manager", "admin", "device", "service"]
SiteRole = Literal["member", "guard", "desk", "manager"]

ROLES: frozenset[str] = frozenset(get_args(Role))
SITE_ROLES: frozenset[str] = frozenset(get_args(SiteRole))
STAFF: tuple[SiteRole, ...] = ("guard", "desk", "manager")
"""Who works at a site."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """One caller: roles held anywhere (for the coarse check) and roles by site (for the exact one).

    ``address`` and ``user_agent`` are what the transport saw of the client; empty where there is none.
    """

    roles: frozenset[Role]
    user_id: int | None = None
    session_id: int | None = None
    gate_id: int | None = None
    site_roles: Mapping[int, frozenset[str]] = msgspec.field(default_factory=dict)
    address: str = ""
    user_agent: str = ""

    def holds(self, *roles: Role, site_id: int | None) -> bool:
        """Tell whether one of ``roles`` is held at this site; admins and our own services hold all of them."""
        if self.roles & {"admin", "service"}:
            return True
        return site_id is not None and not self.site_roles.get(site_id, frozenset()).isdisjoint(roles)

    def sites(self, *roles: Role) -> list[int]:
        """Return the sites where one of ``roles`` is held."""
        return sorted(site for site, held in self.site_roles.items() if not held.isdisjoint(roles))

    def seen_from(self, address: str, user_agent: str) -> "Caller":
        """Return this caller as a transport sees them: from this address, with this program."""
        return msgspec.structs.replace(self, address=address, user_agent=user_agent)

    @property
    def everywhere(self) -> bool:
        """True for those whose rights do not depend on a site."""
        return bool(self.roles & {"admin", "service"})

    @property
    def actor(self) -> str:
        """How the log names this caller."""
        if self.user_id is not None:
            return f"user:{self.user_id}"
        return f"gate:{self.gate_id}" if self.gate_id is not None else min(self.roles)


ANONYMOUS = Caller(roles=frozenset({"anonymous"}))
SERVICE = Caller(roles=frozenset({"service"}))
