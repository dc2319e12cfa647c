"""The authorize endpoint's answer to a client: its parameters and its address (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .request import Authorization

RESPONSE_MODES = ("query", "fragment", "form_post")
SIGNED = ".jwt"  # at the end of a response mode: the answer is one JWT (JARM section 2.3)
SIGNED_MODES = ("jwt", *(f"{mode}{SIGNED}" for mode in RESPONSE_MODES))
MAX_LOCATION = 8192  # servers, proxies and load balancers read no longer request line or header
MAX_STATE = 8192  # where the answer is a form
#: The longest that there are, by the words of the response type; an error without its description is shorter.
_AROUND = 1024  # what a JWT has beside its answer: the header, the signature, `aud` and `exp`
#: With a code, a state and redirect URI that together have fewer characters fit however they are escaped, in a JWT too: an
#: emoji becomes two escapes of six letters, and those a third more.
_SURELY_SHORT = 300
_LONGEST = {"code": "x" * 84, "token": "x" * 2048, "id_token": "x" * 2048}


def answer_of(authorization: Authorization, parameters: Mapping[str, Any], issuer: str) -> dict[str, str]:
    """The parameters of an answer or error, with `state` and `iss`."""
    answer = {name: str(value) for name, value in parameters.items() if value is not None}
    if authorization.state is not None:
        answer["state"] = authorization.state
    return answer | {"iss": issuer}


def gives_a_token(response_type: str) -> bool:
    """Whether an answer holds a token, which never stands in a query."""
    return not {"token", "id_token"}.isdisjoint(response_type.split(" "))


def response_modes(jarm: bool | str) -> tuple[str, ...]:
    """The response modes that a request may name (`OAUTH_JARM`)."""
    if jarm == "required":
        return SIGNED_MODES
    return (*RESPONSE_MODES, *SIGNED_MODES) if jarm else RESPONSE_MODES


def response_mode_of(asked: str | None, response_type: str, jarm: bool | str) -> str:
    """How the client gets its answer, even where the answer is that its `response_mode` is wrong.

    `jwt` means the place where such an answer stands by default (JARM section 2.3.4).
    """
    has_token, is_known = gives_a_token(response_type), asked in response_modes(jarm)
    place = (asked or "").removesuffix(SIGNED) if is_known or asked in RESPONSE_MODES else ""
    if place not in RESPONSE_MODES or (has_token and place == "query"):
        place = "fragment" if has_token else "query"
    is_signed = jarm == "required" or (is_known and asked in SIGNED_MODES)
    return f"{place}{SIGNED}" if is_signed else place


def is_too_long(authorization: Authorization, response_type: str | None, issuer: str) -> bool:
    """Whether the request's `state` would make an answer that can't be read."""
    if authorization.response_mode.startswith("form_post"):
        return len((authorization.state or "").encode()) > MAX_STATE
    if len(authorization.state or "") + len(authorization.redirect_uri) < _SURELY_SHORT and not gives_a_token(
        response_type or ""
    ):
        return False
    words = (response_type or "code").split(" ")
    longest = {word: _LONGEST[word] for word in words if word in _LONGEST} or {"code": _LONGEST["code"]}
    answer = answer_of(authorization, longest, issuer)
    if is_signed(authorization):
        answer = {
            "response": "x" * (len(json.dumps({**answer, "aud": authorization.client.client_id})) * 4 // 3 + _AROUND)
        }
    return len(_location(authorization, answer)) > MAX_LOCATION


def is_signed(authorization: Authorization) -> bool:
    """Whether the answer is one JWT."""
    return authorization.response_mode.endswith(SIGNED)


def location_of(
    authorization: Authorization,
    answer: Mapping[str, str],
    sign: Callable[[Mapping[str, str]], Mapping[str, str]] | None = None,
) -> str:
    """The URL to which the browser is redirected, with the answer, which `sign` signs, in its query or its fragment.

    An error goes without its description where that would make the URL too long to be read.
    """
    location = _location(authorization, answer if sign is None else sign(answer))
    if len(location) > MAX_LOCATION and "error_description" in answer:
        return location_of(authorization, {name: answer[name] for name in answer if name != "error_description"}, sign)
    return location


def _location(authorization: Authorization, answer: Mapping[str, str]) -> str:
    uri = authorization.redirect_uri
    if authorization.response_mode.startswith("fragment"):
        return f"{uri}#{urlencode(answer)}"
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"
