"""Encrypts what a client is told of a user, to a key of its own (OIDC Core sections 5.3.2, 10.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import OAuth2Error, clean

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..stores.registered_client import Client

DEFAULT_METHOD = "A128CBC-HS256"  # Registration section 2
RETRY_SECONDS = 60  # a key set is fetched again after so long


class ClientKeyMissing(OAuth2Error):
    """What is for a client can't be encrypted now: its key set can't be had, or has no key that fits. Nothing is sent plain."""

    error = "temporarily_unavailable"
    status_code = 503

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("Retry-After", str(RETRY_SECONDS))]


def encryption_for(
    client: Client, keys: ClientKeys, algorithm: str, method: str | None, *, content_type: str | None
) -> Callable[[str], str]:
    """What encrypts a text to a client by the algorithm that it registered; its keys may have to be fetched for that.

    Raises `ClientKeyMissing`.
    """
    from ..crypto.encryption import encrypt

    key, problem = keys.for_encryption(client, algorithm)
    if key is None:
        why = f"This client's answers are encrypted ({algorithm}), and its keys can't be used: {problem}."
        raise ClientKeyMissing(clean(why))
    return lambda text: encrypt(text, key, algorithm, method or DEFAULT_METHOD, content_type=content_type)
