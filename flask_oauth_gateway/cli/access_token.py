"""Whether what `flask oauth issuer check` is given is an access token of a trusted server, or an assertion."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from ..tokens.reading import is_jwt

if TYPE_CHECKING:
    from ..resource_server import Server


def is_access_token(server: Server, text: str) -> bool:
    """An app that issues no tokens takes no assertions. Elsewhere its issuer says what a JWT is; the rest is no XML."""
    trusted = server.trusted_tokens
    if trusted is None or not server.issues_tokens:
        return trusted is not None
    if not is_jwt(text):
        return trusted.can_ask and not _is_xml(text)
    from ..crypto.jose import JwtError, read

    try:
        jwt = read(text)
    except JwtError:
        return False
    issuer = jwt.claims.get("iss")
    if not isinstance(issuer, str) or issuer not in trusted.issuers:
        return False
    return issuer not in server.settings.jwt_issuers or str(jwt.header.get("typ")).lower().endswith("at+jwt")


def _is_xml(text: str) -> bool:
    try:
        return b64decode(text.replace("-", "+").replace("_", "/") + "==").lstrip().startswith(b"<")
    except ValueError:
        return False
