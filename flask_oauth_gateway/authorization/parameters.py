"""Reads an authorization request: its parameters, its client, and where to answer the client (RFC 6749 section 4.1.1).

Until the client and its redirect URI are known to be right, the user sees the error, and is not redirected
(`PageError`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import request

from ..clients.redirect_uris import is_registered, is_same_on_loopback
from ..stores.registered_client import UnreadableClient
from ..users.relogin import MARK
from ..web.request import parse_parameters, read_form, values_by_name
from .answer import RESPONSE_MODES, gives_a_token, is_too_long
from .request import Authorization, PageError

if TYPE_CHECKING:
    from ..clients.directory import ClientDirectory
    from ..config import Settings
    from ..stores.clients import ClientStore

REPEATABLE = frozenset({"resource"})  # RFC 8707 section 2


@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser sends to the authorize endpoint: an authorization request, and the form of its page if that was sent."""

    query: list[tuple[str, str]]
    form: dict[str, list[str]] | None
    has_mark: bool = False  # the browser comes back from a sign-in (`users/relogin.py`)

    @property
    def path(self) -> str:
        """The authorization request as a path on this site."""
        return f"{request.script_root}{request.path}?{urlencode(self.query)}"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.path.encode()).hexdigest()

    @property
    def path_for_another_account(self) -> str:
        """The URL of this authorization request that lets the user choose another account."""
        query = [(name, value) for name, value in self.query if name not in ("prompt", "id_token_hint")]
        asked = [word for name, value in self.query if name == "prompt" for word in value.split() if word != "none"]
        prompt = " ".join(dict.fromkeys((*asked, "select_account")))
        return f"{request.script_root}{request.path}?{urlencode([*query, ('prompt', prompt)])}"


def read_visit(settings: Settings) -> Visit:
    """What the browser sends."""
    query = parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1"))
    if request.method != "POST":
        without = [pair for pair in query if pair[0] != MARK]
        return Visit(without, None, has_mark=len(without) < len(query))
    pairs = read_form(request, settings)
    if not any(name in ("decision", "form_token") for name, _ in pairs):
        return Visit(query + pairs, None)  # an authorization request sent as a form (OIDC Core section 3.1.2.1)
    return Visit(query, values_by_name(pairs))


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters by name, one value each, and the names of those that were sent more than once."""

    values: Mapping[str, str]
    repeated: frozenset[str]

    def get(self, name: str) -> str | None:
        """A parameter's value; `None` where it wasn't sent, or was sent without a value (RFC 6749 section 3.1)."""
        return self.values.get(name)


def read_authorization(
    clients: ClientStore | ClientDirectory, pairs: list[tuple[str, str]], issuer: str
) -> tuple[Authorization, Parameters]:
    """The client and where to answer it, and the parameters, most of them still unchecked. Raises `PageError`.

    `issuer` is in every answer. A `state` with which no answer could be read is left out of the authorization.
    """
    parameters = _by_name(pairs)
    for name in ("client_id", "redirect_uri"):
        if name in parameters.repeated:
            raise PageError("invalid_request", f"The parameter '{name}' is repeated.")
    client_id = parameters.get("client_id")
    if client_id is None:
        raise PageError("invalid_request", "The parameter 'client_id' is missing.")
    try:
        client = clients.load(client_id)
    except UnreadableClient as error:
        raise PageError(
            "invalid_client",
            "The application that sent you here is not known: what it says of itself could not be read. Please try again later.",
            reason=f"its document can't be had: {error}",
        ) from None
    if client is None or not client.enabled:
        raise PageError(
            "invalid_client",
            "The application that sent you here is not known, or no longer. Remove the connection in that program, and"
            " connect again.",
        )
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None and len(client.redirect_uris) != 1:
        raise PageError("invalid_request", "The parameter 'redirect_uri' is missing.")
    if redirect_uri is not None and not is_registered(redirect_uri, client):
        if any(is_same_on_loopback(known, redirect_uri) for known in client.redirect_uris):
            raise PageError(
                "invalid_request",
                "The address to send you back to is not one that is registered for the application: it calls this device by"
                " another name, such as localhost for 127.0.0.1. That is a mistake in the program that sent you here.",
            )
        raise PageError(
            "invalid_request", "The address to send you back to is not one that is registered for the application."
        )
    authorization = Authorization(
        client=client,
        redirect_uri=redirect_uri or client.redirect_uris[0],
        redirect_uri_sent=redirect_uri is not None,
        state=None if "state" in parameters.repeated else parameters.get("state"),
        response_mode=_response_mode(parameters),
        audience=tuple(value for name, value in pairs if name == "resource" and value),
    )
    if authorization.state is not None and is_too_long(authorization, parameters.get("response_type"), issuer):
        authorization = replace(authorization, state=None)
    return authorization, parameters


def _by_name(pairs: list[tuple[str, str]]) -> Parameters:
    values: dict[str, str] = {}
    repeated = set()
    for name, value in pairs:
        if value and name in values and name not in REPEATABLE:
            repeated.add(name)
        elif value:
            values[name] = value
    return Parameters(values, frozenset(repeated))


def _response_mode(parameters: Parameters) -> str:
    """How the client gets its answer, even where the answer is that its `response_mode` is wrong."""
    asked, is_token = parameters.get("response_mode"), gives_a_token(parameters.get("response_type") or "")
    if asked in RESPONSE_MODES and not (is_token and asked == "query"):
        return asked
    return "fragment" if is_token else "query"
