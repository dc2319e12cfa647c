"""Finds the access token in a request (RFC 6750 section 2)."""

from __future__ import annotations

from flask import Request

from ..errors import InvalidBearerRequest

BEARER = ("bearer ", "bearer")  # servers cut the space off where no token follows it


def token_of(http: Request, methods: tuple[str, ...] = ("header",)) -> str | None:
    """The token that a request carries, from the places in `methods`; `None` where there is none.

    Raises `InvalidBearerRequest` for a malformed header, or for a token sent in two ways at once.
    """
    header = http.environ.get("HTTP_AUTHORIZATION")
    found = []
    if header is not None and "header" in methods and header[:7].lower() in BEARER:
        token = header[7:].strip(" ")
        if not token or " " in token or not token.isascii():
            raise InvalidBearerRequest("The Authorization header must be 'Bearer <token>', with one token.")
        found.append(token)
    if len(methods) > 1 or methods[0] != "header":
        found += _elsewhere(http, methods)
    if len(found) > 1:
        raise InvalidBearerRequest("The access token was sent more than once: use one way.")
    return found[0] if found else None


def _elsewhere(http: Request, methods: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    if "query" in methods:
        found += http.args.getlist("access_token")
    if "body" in methods and http.method != "GET" and http.mimetype == "application/x-www-form-urlencoded":
        found += http.form.getlist("access_token")
    return [token for token in found if token]
