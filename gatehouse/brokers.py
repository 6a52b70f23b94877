"""The accounts of our own services at the embedded broker: each may do just what it is for."""

from urllib.parse import quote

from domain.kernel.keys import Keys
from gate_bridge import decide, ingest
from gatehouse.embedded.accounts import Account


def house_accounts(secret: str) -> tuple[Account, ...]:
    """Return the accounts; their passwords come from the installation's secret and are stored nowhere."""
    return (
        Account(
            username="svc-ingest",
            password=_password(secret, "ingest"),
            subscribe=tuple(topic for topic, _ in ingest.SUBSCRIPTIONS),
            publish=("gh/1/+/+/dn/ack", "gh/1/+/+/dn/want"),
        ),
        Account(
            username="svc-decide",
            password=_password(secret, "decide"),
            subscribe=tuple(topic for topic, _ in decide.SUBSCRIPTIONS),
            publish=("gh/1/+/+/dn/dec",),
        ),
        Account(username="svc-control", password=_password(secret, "control"), manages_accounts=True),
    )


def account_url(url: str, name: str, secret: str) -> str:
    """Return the broker's address with the account of one service in it."""
    return url.replace("://", f"://svc-{name}:{quote(_password(secret, name), safe='')}@", 1)


def _password(secret: str, name: str) -> str:
    return Keys(secret).derive(f"broker/{name}").hex()
