"""What identity does after commit: letters."""

from domain.identity.queries import one_time
from domain.identity.queries.people import addressees_of
from domain.identity.rules.letters import password_reset
from domain.kernel.jobs import Work, job


@job("identity.mail_password_reset")
async def mail_password_reset(work: Work, *, user_id: int | None, salt: str) -> None:
    """Mail a token to choose a password with.

    The token is made here, from the salt and a key of the installation, so that no job ever holds a secret; tried
    again, the job makes the same token and the same letter. Nobody's account makes no letter.
    """
    if user_id is None:
        return
    async with work.transaction() as db:
        reader = (await addressees_of(work.context(db), [user_id])).get(user_id)
        if reader is None:
            return
        token = await one_time.make(
            db, work.tools.keys, "password-reset", user_id=user_id, salt=bytes.fromhex(salt), now=work.now
        )
    if token is not None:
        await work.tools.ports.mail.send(
            password_reset(reader, token=token, public_url=work.tools.policy.public_url, key=salt)
        )
