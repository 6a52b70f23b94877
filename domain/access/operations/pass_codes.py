"""Which pass a code is of, whatever it opens: for people who read codes with their own eyes and phones."""

from domain.access.operations.keys import private_key
from domain.access.rules import token
from domain.access.rules.reasons import Reason
from domain.access.tables.rights import PassKeyRow
from domain.kernel.context import Context


async def pass_shown(ctx: Context, presented: str) -> int | None:
    """Return the id of the pass that a code is of; None where nobody of ours signed it."""
    key_id, _ = token.peek(presented) or (None, None)
    if key_id is None or await ctx.db.get(PassKeyRow, key_id) is None:
        return None
    key = (await private_key(ctx, key_id)).public_key()
    claim = token.read(presented, {key_id: key})
    return None if isinstance(claim, Reason) else claim.pass_id
