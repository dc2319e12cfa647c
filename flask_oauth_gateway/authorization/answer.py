"""The authorize endpoint's answer to a client: its parameters and its address (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .request import Authorization

RESPONSE_MODES = ("query", "fragment", "form_post")
MAX_LOCATION = 8192  # servers, proxies and load balancers read no longer request line or header
MAX_STATE = 8192  # where the answer is a form
#: The longest that there are, by the words of the response type; an error without its description is shorter.
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


def is_too_long(authorization: Authorization, response_type: str | None, issuer: str) -> bool:
    """Whether the request's `state` would make an answer that can't be read."""
    if authorization.response_mode == "form_post":
        return len((authorization.state or "").encode()) > MAX_STATE
    words = (response_type or "code").split(" ")
    longest = {word: _LONGEST[word] for word in words if word in _LONGEST} or {"code": _LONGEST["code"]}
    return len(_location(authorization, answer_of(authorization, longest, issuer))) > MAX_LOCATION


def location_of(authorization: Authorization, answer: Mapping[str, str]) -> str:
    """The URL to which the browser is redirected, with the answer in its query or its fragment.

    An error goes without its description where that would make the URL too long to be read.
    """
    location = _location(authorization, answer)
    if len(location) > MAX_LOCATION and "error_description" in answer:
        return _location(authorization, {name: answer[name] for name in answer if name != "error_description"})
    return location


def _location(authorization: Authorization, answer: Mapping[str, str]) -> str:
    uri = authorization.redirect_uri
    if authorization.response_mode == "fragment":
        return f"{uri}#{urlencode(answer)}"
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"
