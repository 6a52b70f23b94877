"""The accounts of our own services at the broker: each may do just what it is for."""

from urllib.parse import quote, urlsplit

from domain.kernel.keys import Keys
from gate_bridge import decide, ingest, lists
from gatehouse.embedded.accounts import Account


def house_accounts(secret: str) -> tuple[Account, ...]:
    """Return the accounts of the embedded broker, with passwords that come from the installation's secret."""
    return (
        Account(
            username="svc-ingest",
            password=account_password(secret, "ingest"),
            subscribe=tuple(topic for topic, _ in ingest.SUBSCRIPTIONS),
            publish=("gh/1/+/+/dn/ack", "gh/1/+/+/dn/want"),
        ),
        Account(
            username="svc-decide",
            password=account_password(secret, "decide"),
            subscribe=tuple(topic for topic, _ in decide.SUBSCRIPTIONS),
            publish=("gh/1/+/+/dn/dec",),
        ),
        Account(
            username="svc-control",
            password=account_password(secret, "control"),
            manages_accounts=True,
            subscribe=tuple(topic for topic, _ in lists.SUBSCRIPTIONS),
            publish=("gh/1/+/+/dn/#",),
        ),
    )


def account_url(url: str, name: str, secret: str) -> str:
    """Return the broker's address with the account of one service in it; one that names an account stays as it is."""
    if urlsplit(url).username is not None:
        return url
    return url.replace("://", f"://svc-{name}:{quote(account_password(secret, name), safe='')}@", 1)


def account_password(secret: str, name: str) -> str:
    """Return the password of one account: it comes from the installation's secret and need not be stored."""
    return Keys(secret).derive(f"broker/{name}").hex()
