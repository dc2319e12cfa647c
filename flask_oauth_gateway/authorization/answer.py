"""What the authorize endpoint answers a client: the parameters, and where they are sent (RFC 6749 section 4.1.2, RFC 9207)."""

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
    """Where an answer is redirected to, in the query or the fragment."""
    uri = authorization.redirect_uri
    if authorization.response_mode == "fragment":
        return f"{uri}#{urlencode(answer)}"
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"
