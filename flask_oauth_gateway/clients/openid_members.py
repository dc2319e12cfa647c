"""Readers of what OpenID Connect adds to a client's registration (OpenID Connect Dynamic Client Registration section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config.keys import SIGNING_ALGORITHMS
from ..config.openid import in_order, response_types_of
from ..errors import shown
from .members import ClientMetadataError, read_boolean, read_texts

if TYPE_CHECKING:
    from ..config import Settings


def read_signing_algorithm(name: str, value: Any, settings: Settings) -> str:
    if value not in SIGNING_ALGORITHMS:
        raise ClientMetadataError(f"{name} is {shown(value)}; it may be {', '.join(SIGNING_ALGORITHMS)}.")
    return str(value)


def read_id_token_claims(name: str, value: Any, settings: Settings) -> str:
    if value not in ("requested", "all"):
        raise ClientMetadataError(f"{name} is 'requested' or 'all'.")
    return str(value)


def read_response_types(name: str, value: Any, settings: Settings) -> list[str]:
    """Check the response types; where there are none, a client may use all that its grants allow."""
    known = response_types_of(settings)
    found = [in_order(each) for each in read_texts(name, value, settings)]
    for each in found:
        if each not in known:
            raise ClientMetadataError(f"{name} names {shown(each)}; those of this server are {', '.join(known)}.")
    return found


def read_seconds(name: str, value: Any, settings: Settings) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise ClientMetadataError(f"{name} is a number of seconds, 0 or more.")
    return value


def read_acr_values(name: str, value: Any, settings: Settings) -> list[str]:
    """Check the values, which stand in one parameter with spaces between them."""
    found = read_texts(name, value, settings)
    if not all(each and " " not in each for each in found):
        raise ClientMetadataError(f"{name} is a list of texts without spaces.")
    return found


OPENID_MEMBERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "id_token_signed_response_alg": read_signing_algorithm,
    "id_token_claims": read_id_token_claims,
    "response_types": read_response_types,
    "default_max_age": read_seconds,
    "require_auth_time": read_boolean,
    "default_acr_values": read_acr_values,
    "require_pkce": read_boolean,
}
