"""Finds the access token in a request (RFC 6750 section 2, RFC 9449 section 7.1)."""

from __future__ import annotations

from flask import Request

from ..errors import InvalidBearerRequest, MissingToken

BEARER, DPOP = "bearer", "dpop"  # the schemes
_BEARER, _DPOP = ("bearer ", "bearer"), ("dpop ", "dpop")  # servers cut the space off where no token follows it
MALFORMED = "The Authorization header must be '{} <token>', with one token."
TWICE = "The access token was sent more than once: use one way."


def token_of(http: Request, methods: tuple[str, ...] = ("header",)) -> str | None:
    """The token that a request carries, from the places in `methods`; `None` where there is none.

    Raises `InvalidBearerRequest` for a malformed header, or for a token sent in two ways at once.
    """
    header = http.environ.get("HTTP_AUTHORIZATION")
    found = []
    if header is not None and "header" in methods and header[:7].lower() in _BEARER:
        token = header[7:].strip(" ")
        if not token or " " in token or not token.isascii():
            raise InvalidBearerRequest(MALFORMED.format("Bearer"))
        found.append(token)
    if len(methods) > 1 or methods[0] != "header":
        found += _elsewhere(http, methods)
    if len(found) > 1:
        raise InvalidBearerRequest(TWICE)
    return found[0] if found else None


def with_scheme(http: Request, methods: tuple[str, ...] = ("header",)) -> tuple[str, str | None]:
    """The scheme and the token of a request, where tokens may be bound to a key; the token is `None` where there is none.

    What comes without a scheme, in a body or a query, is a bearer token. Raises as `token_of` does.
    """
    header = http.environ.get("HTTP_AUTHORIZATION", "")
    if "header" not in methods or header[:5].lower() not in _DPOP:
        return BEARER, token_of(http, methods)
    token = header[5:].strip(" ")
    if not token or " " in token or not token.isascii():
        raise InvalidBearerRequest(MALFORMED.format("DPoP"))
    if _elsewhere(http, methods):
        raise InvalidBearerRequest(TWICE)
    return DPOP, token


def missing(http: Request, takes_dpop: bool) -> MissingToken:
    """What a request without a token is told: how to send one here."""
    if takes_dpop:
        return MissingToken(
            "This needs an access token: send it as 'Authorization: Bearer <token>', or one that is bound to a key as "
            "'Authorization: DPoP <token>' with a proof."
        )
    if http.environ.get("HTTP_AUTHORIZATION", "")[:5].lower() in _DPOP:
        return MissingToken("This needs an access token as 'Authorization: Bearer <token>': DPoP is not on here.")
    return MissingToken()


def _elsewhere(http: Request, methods: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    if "query" in methods:
        found += http.args.getlist("access_token")
    if "body" in methods and http.method != "GET" and http.mimetype == "application/x-www-form-urlencoded":
        found += http.form.getlist("access_token")
    return [token for token in found if token]
