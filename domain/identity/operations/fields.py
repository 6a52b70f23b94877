"""The fields that identity's operations share."""

from typing import Annotated, Literal

import msgspec

from domain.identity.rules.roles import GrantedRole

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254)]
Username = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
PersonName = Annotated[str, msgspec.Meta(max_length=100)]
Locale = Literal["en", "ru"]
NewPassword = Annotated[str, msgspec.Meta(max_length=512, description="8 to 128 characters.")]
Password = Annotated[str, msgspec.Meta(max_length=512)]
Token = Annotated[str, msgspec.Meta(max_length=256)]


class RoleInput(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A role to give; ``admin`` has no site, every other role has one."""

    role: GrantedRole
    site_id: int | None = None


Roles = Annotated[tuple[RoleInput, ...], msgspec.Meta(max_length=100)]
