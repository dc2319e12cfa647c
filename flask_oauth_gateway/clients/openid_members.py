"""Readers of what OpenID Connect adds to a client's registration (OpenID Connect Dynamic Client Registration section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..config.keys import SIGNING_ALGORITHMS
from ..errors import shown
from .members import ClientMetadataError

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


OPENID_MEMBERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "id_token_signed_response_alg": read_signing_algorithm,
    "id_token_claims": read_id_token_claims,
}
