"""Explains why a signed authorization request was refused: what it says of itself, and by which keys it could be signed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..authorization.pushed import URN
from ..crypto.jose import JwtError, read
from ..errors import shown
from .comparing import listed, when
from .refused import Found, Refused

TIMES = ("exp", "nbf", "iat")


def with_what_counts(refused: Refused) -> Refused:
    """The same request, with the parameters that its signed object holds: nothing beside that counts (RFC 9101 section 6.3)."""
    if not refused.server.settings.jar or "request" not in refused.parameters:
        return refused
    inside = {name: value for name, value in _said(refused).items() if isinstance(value, str)}
    kept = {name: refused.parameters[name] for name in ("client_id", "request") if name in refused.parameters}
    return replace(refused, parameters={**inside, **kept})


def _object(refused: Refused, found: re.Match[str]) -> Found:
    return refused.reason or refused.description, _in_words(refused)


def _signature(refused: Refused, found: re.Match[str]) -> Found:
    client = refused.client
    source = None if client is None else refused.server.client_keys.of(client)
    keys = () if source is None else source.keys()
    named = [f"{key.get('kid') or 'one without a kid'} ({key.get('crv') or key.key_type})" for key in keys]
    of = (
        f"by a key of the client's: {listed(named[:20])}"
        if named
        else "by a key of the client's, which has none that is usable"
    )
    return of, _in_words(refused)


def _address(refused: Refused, found: re.Match[str]) -> Found:
    sent = refused.parameters.get("request_uri", "none")
    if sent.startswith(URN):
        return refused.description, refused.reason
    registered = [] if refused.client is None else refused.client.request_uris
    expected = f"one of the client's request_uris: {listed(registered[:20]) or 'it has none'}"
    return expected, sent + (f" ({refused.reason})" if refused.reason else "")


def _said(refused: Refused) -> Mapping[str, Any]:
    try:
        return read(refused.parameters.get("request", "")).claims
    except JwtError:
        return {}


def _in_words(refused: Refused) -> str:
    """A signed request taken apart: nothing of its signature."""
    text = refused.parameters.get("request", "")
    if not text:
        return refused.parameters.get("request_uri", "no request")
    if text.count(".") == 4:
        return "one that is encrypted"
    try:
        jwt = read(text)
    except JwtError as error:
        return f"what can't be read: {error}"
    header = [f"{name} {shown(jwt.header[name], 60)}" for name in ("alg", "typ", "kid") if name in jwt.header]
    claims = [f"{name} {shown(jwt.claims[name], 200)}" for name in ("iss", "client_id", "aud") if name in jwt.claims]
    times = [f"{name} {_moment(jwt.claims[name])}" for name in TIMES if name in jwt.claims]
    return listed([*header, *claims, *times])


def _moment(value: Any) -> str:
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e11
    return when(int(value)) if fine else shown(value, 60)


SIGNED_REQUEST_RULES: tuple[tuple[str, str, str, Callable[[Refused, re.Match[str]], Found], str], ...] = (
    ("invalid_request_object", ".*(no key of its issuer|its signature is wrong|live secret|no key that can be used)",
     "signature of the request", _signature, "RFC 9101 section 6.2"),
    ("invalid_request_object", "", "signed request", _object, "RFC 9101 sections 4 and 6"),
    ("invalid_request_uri", "", "request_uri", _address, "RFC 9101 section 5.2, RFC 9126 section 4"),
)  # fmt: skip
