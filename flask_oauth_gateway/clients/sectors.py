"""The sector of a client: within it, a user has one name (OIDC Core section 8.1, Registration section 5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..config.checks import is_loopback
from ..config.openid import PAIRWISE
from ..errors import shown
from .members import ClientMetadataError

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client


def sector_of(client: Client) -> str:
    """The host of the `sector_identifier_uri`, or of the redirect URIs; without a host of its own the client itself.

    A loopback address and an app's own scheme are everybody's: by these, two apps that have nothing to do with each other
    would call a user the same.
    """
    if client.sector_identifier_uri is not None:
        return urlsplit(client.sector_identifier_uri).hostname or ""
    hosts = _hosts(client.redirect_uris)
    return hosts.pop() if len(hosts) == 1 else f"client {client.client_id}"


def is_pairwise(subject_type: str | None, settings: Settings) -> bool:
    """Whether a client with this `subject_type` has names of its own for users; without any, the first that is on counts."""
    return (subject_type or settings.subject_types[0]) == PAIRWISE


def lacks_sector(client: Client, settings: Settings) -> bool:
    """Whether a client has several hosts and says not which counts: it was registered while it had public subjects."""
    if not is_pairwise(client.subject_type, settings) or client.sector_identifier_uri is not None:
        return False
    return len(_hosts(client.redirect_uris)) > 1


def check_sector(values: Mapping[str, Any], settings: Settings) -> None:
    """Check that a client with pairwise subjects has one sector. Raises `ClientMetadataError`."""
    # Else anybody could name another's sector.
    if values.get("sector_identifier_uri") and not values.get("redirect_uris"):
        raise ClientMetadataError("A sector_identifier_uri needs redirect_uris: its document names them.")
    if not is_pairwise(values.get("subject_type"), settings) or values.get("sector_identifier_uri"):
        return
    if len(_hosts(values.get("redirect_uris", ()))) > 1:
        raise ClientMetadataError(
            "The redirect_uris have several hosts: a client with pairwise subjects then needs a sector_identifier_uri"
            " (OpenID Connect Core section 8.1)."
        )


def check_document(
    url: str, redirect_uris: Iterable[str], *, plain_http_on_loopback: bool, within: float | None = None
) -> None:
    """Fetch the document of a sector and check that it names each redirect URI (Registration section 5).

    `within`: seconds. Raises `ClientMetadataError`.
    """
    from ..crypto.fetching import MAX_SECONDS, FetchError, fetch

    within = MAX_SECONDS if within is None else within
    try:
        body, _ = fetch(url, redirects=0, within=within, plain_http_on_loopback=plain_http_on_loopback)
    except FetchError as error:
        raise ClientMetadataError(f"The document at the sector_identifier_uri can't be had: {error}.") from None
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ClientMetadataError("The document at the sector_identifier_uri is not a JSON array of redirect URIs.")
    for uri in redirect_uris:
        if uri not in listed:
            raise ClientMetadataError(f"The document at the sector_identifier_uri does not name {shown(uri)}.")


def _hosts(redirect_uris: Iterable[str]) -> set[str]:
    """The hosts of redirect URIs, which nobody else has; where some have one and others none, that is one more."""
    parts = [urlsplit(uri) for uri in redirect_uris]  # a scheme may be in capitals
    hosts = {each.hostname or "" if each.scheme in ("http", "https") else "" for each in parts}
    hosts = {"" if is_loopback(host) else host for host in hosts}
    return hosts if hosts != {""} else set()
