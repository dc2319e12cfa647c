"""The authorize endpoint's answer to a client: its parameters and its address (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from .request import Authorization

RESPONSE_MODES = ("query", "fragment", "form_post")


def answer_of(authorization: Authorization, parameters: Mapping[str, Any], issuer: str) -> dict[str, str]:
    """The parameters of an answer or error, with `state` and `iss`."""
    answer = {name: str(value) for name, value in parameters.items() if value is not None}
    if authorization.state is not None:
        answer["state"] = authorization.state
    return answer | {"iss": issuer}


def location_of(authorization: Authorization, answer: Mapping[str, str]) -> str:
    """The URL to which the browser is redirected, with the answer in its query or its fragment."""
    uri = authorization.redirect_uri
    if authorization.response_mode == "fragment":
        return f"{uri}#{urlencode(answer)}"
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"
