"""What the doctor tells beside weaknesses: dates to know of. Nothing of it is weak, so the doctor ends with status 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..config.registration import OPEN
from ..errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

SIGN = frozenset({"private_key_jwt", "client_secret_jwt"})


def notes(server: AuthorizationServer) -> Iterator[str]:
    """Sentences, each beginning with the setting that it is about."""
    settings = server.settings
    if settings.profile == "mcp" and "authorization_code" not in settings.grant_types:
        yield (
            "OAUTH_GRANT_TYPES: without authorization_code the metadata name no authorization_endpoint, and clients by the"
            " SDKs of the Model Context Protocol can't read such metadata, not even for another grant"
        )
    if settings.profile == "mcp" and settings.registration is not None:
        yield (
            "OAUTH_REGISTRATION: keep it until 2027-07-28 at least. The Model Context Protocol has deprecated registration since"
            " 2026-07-28, and removes it a year later at the earliest; older clients know no other way in"
        )
    if settings.registration == OPEN:
        yield (
            "OAUTH_REGISTRATION: everybody may register a client, and nobody here checks what it says of itself. Between it and a"
            " user's data stand the consent page and the ceilings (OAUTH_REGISTRATION_SCOPES)"
        )
    if settings.client_assertion_audience == "any" and _some_client_signs(server):
        yield (
            'OAUTH_CLIENT_ASSERTION_AUDIENCE: "issuer" is better where your clients can do it. A client that signs for the'
            " address of a token endpoint may be led to sign for another server's, which then speaks here in its name"
        )
    if settings.dpop and settings.dpop_replay == "endpoints":
        yield (
            'OAUTH_DPOP_REPLAY: at "endpoints" a proof that somebody sees opens the view that it was for again, as long as it is'
            " good. Nonces, or a short OAUTH_DPOP_LIFETIME, make that shorter (RFC 9449 section 11.1)"
        )
    if "tls_client_auth" in settings.client_auth_methods and settings.mtls_ca is None:
        yield (
            "OAUTH_MTLS_CA: clients are believed for certificates that the proxy says it has checked. It must set that header in"
            " every request; with the authorities' certificates here, the gateway checks the chain itself"
        )


def _some_client_signs(server: AuthorizationServer) -> bool:
    try:
        return any(each.enabled and each.token_endpoint_auth_method in SIGN for each in server.clients.list())
    except TemporarilyUnavailable:  # which is said already
        return False
