"""The partners of a house, made from the settings: their channels, their tokens, the key of the server API."""

from pathlib import Path

from channels.jwks import PublishedKeys
from channels.namespaces import BadNamespaces, Namespaces
from channels.tokens import FixedKeys, Keys, Tokens
from domain.catalogue import CATALOGUE
from gatehouse.settings import BadSetting, Settings
from server.api.procedures import check_operations
from server.partners import PartnerHost, check_shadows
from server.realtime import Partners


def partners_of(settings: Settings) -> Partners | None:
    """Return the partners; None where no setting speaks of any.

    Raises:
        BadSetting: A file cannot be used, claims what is ours, or leaves everything open in production.
    """
    keys = _keys(settings)
    if not (settings.hub_config or settings.hub_api_key or keys):
        return None
    tokens = Tokens(*keys, audience=settings.hub_token_audience or "", issuer=settings.hub_token_issuer or "")
    return Partners(PartnerHost(_namespaces(settings), tokens), settings.hub_api_key)


def _namespaces(settings: Settings) -> Namespaces:
    if settings.hub_config is None:
        return Namespaces()
    try:
        found = Namespaces.load(settings.hub_config)
        check_shadows(found, CATALOGUE.feeds)
        check_operations(found.rpc_operations, CATALOGUE.operations)
    except BadNamespaces as problem:
        raise BadSetting(f"HUB_CONFIG cannot be used: {problem}") from problem
    if found.insecure and settings.in_production:
        raise BadSetting("HUB_CONFIG cannot be used: `insecure` lets everybody in, which production refuses")
    return found


def _keys(settings: Settings) -> list[Keys]:
    found: list[Keys] = []
    if settings.hub_token_hmac_secret:
        found.append(FixedKeys(secret=settings.hub_token_hmac_secret))
    if settings.hub_token_public_key_file:
        found.append(_public_key(settings.hub_token_public_key_file))
    if settings.hub_token_jwks_url:
        found.append(PublishedKeys(settings.hub_token_jwks_url))
    return found


def _public_key(path: Path) -> FixedKeys:
    try:
        return FixedKeys(pem=path.read_bytes())
    except (OSError, ValueError) as problem:
        raise BadSetting(f"HUB_TOKEN_PUBLIC_KEY_FILE cannot be used: {problem}") from problem
