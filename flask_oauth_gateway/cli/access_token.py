"""Tells whether `flask oauth issuer check` got an access token of a trusted server, or an assertion."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from ..tokens.reading import is_jwt

if TYPE_CHECKING:
    from ..resource_server import Server

_BLANK = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


def is_access_token(server: Server, text: str) -> bool:
    """Whether the text is an access token. In a resource server it always is, since that takes no assertions.

    Elsewhere a JWT is one by its issuer, or by its `typ` where that issuer signs assertions too; other texts are,
    unless they hold XML.
    """
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


def is_assertion(text: str) -> bool:
    """Whether the text looks like an assertion: a JWT, however wrong, or XML in base64url."""
    return _begins_with(b"{", text.partition(".")[0]) if text.count(".") == 2 else _is_xml(text)


def _is_xml(text: str) -> bool:
    return _begins_with(b"<", text)


def _begins_with(mark: bytes, text: str) -> bool:
    """Whether a text is base64url of what begins with this mark, after white space and a byte order mark."""
    try:
        return b64decode(text.replace("-", "+").replace("_", "/") + "==").lstrip(_BLANK).startswith(mark)
    except ValueError:
        return False
