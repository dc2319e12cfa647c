"""Reads an authorization request: where its parameters come from, its client, and where to answer the client.

That is RFC 6749 section 4.1.1, and for requests that don't stand in the query RFC 9126 section 4 and RFC 9101 section 5.
Until the client and its redirect URI are known to be right, the user sees the error, and is not redirected
(`PageError`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from flask import request

from ..clients.redirect_uris import is_registered, is_same_on_loopback
from ..stores.registered_client import UnreadableClient
from ..users.relogin import MARK
from ..web.request import parse_parameters, read_form, values_by_name
from .answer import is_too_long, response_mode_of
from .request import Authorization, PageError

if TYPE_CHECKING:
    from ..clients.directory import ClientDirectory
    from ..config import Settings
    from ..stores.clients import ClientStore
    from ..stores.pushed_requests import PushedRequest
    from ..stores.registered_client import Client
    from .one_time import OneTime
    from .pushed import PushedRequests
    from .signed_requests import SignedRequests

Pairs = list[tuple[str, str]]

ARRIVED = "oauth_arrived"  # our own parameter: when a browser came with a signed request
ANOTHER_ACCOUNT = "oauth_another_account"  # our own mark, beside a request that stands elsewhere
OURS = frozenset({ARRIVED, ANOTHER_ACCOUNT})  # what a browser brings, and no client pushes
REPEATABLE = frozenset({"resource"})  # RFC 8707 section 2


class Visit(NamedTuple):
    """What a browser sends to the authorize endpoint: an authorization request, and the form of its page if that was sent."""

    query: Pairs
    form: dict[str, list[str]] | None
    has_mark: bool = False  # the browser comes back from a sign-in (`users/relogin.py`)
    names_request: bool = False  # the query only says where the request is: the client has pushed or signed it

    @property
    def path(self) -> str:
        """The authorization request as a path on this site."""
        return f"{request.script_root}{request.path}?{urlencode(self.query)}"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.path.encode()).hexdigest()

    @property
    def path_for_another_account(self) -> str:
        """The URL of this authorization request that lets the user choose another account.

        What stands in the query is changed there. What a client has pushed or signed nobody changes: our mark adds one
        wish to it.
        """
        if self.names_request:
            query = [*(pair for pair in self.query if pair[0] != ANOTHER_ACCOUNT), (ANOTHER_ACCOUNT, "1")]
        else:
            kept = [(name, value) for name, value in self.query if name not in ("prompt", "id_token_hint")]
            query = [*kept, ("prompt", _choosing_an_account(self.query))]
        return f"{request.script_root}{request.path}?{urlencode(query)}"


class Sources(NamedTuple):
    """The parts that read authorization requests which don't stand in the query, as far as they are on."""

    pushed: PushedRequests | None = None
    signed: SignedRequests | None = None


class Resolved(NamedTuple):
    """An authorization request's parameters, wherever they came from.

    `visit`: the browser's visit, with what of its query counts: that is what its pages and sign-ins lead back to.
    """

    visit: Visit
    pairs: Pairs
    is_pushed: bool = False  # the client has pushed it, or pushes it now (RFC 9126)
    is_signed: bool = False  # the client has signed it (RFC 9101)
    pushed: PushedRequest | OneTime | None = None  # what the answer uses up
    confirmation: Mapping[str, str] = MappingProxyType(
        {}
    )  # the key of the proof that came with it (RFC 9449 section 10.1)
    seen: tuple[int, int] | None = None  # its client's key and version, as they were seen with it a moment ago


def resolve(visit: Visit, sources: Sources | None, clients: ClientStore | ClientDirectory) -> Resolved:
    """Where a request's parameters come from: the query or form itself, or where that points to.

    A request that is pushed is named by `client_id` and `request_uri` alone; whatever stands beside them doesn't count and
    isn't carried on (RFC 9126 section 4). Of one that is signed what is inside counts alone (RFC 9101 section 6.3). `sources`:
    `None` where nothing but the query is on. Raises `PageError`.
    """
    if sources is None:
        return Resolved(visit, visit.query)
    named = _by_name(visit.query)
    request_uri = named.get("request_uri")
    if sources.pushed is not None and request_uri is not None and sources.pushed.are_named_by(request_uri):
        _refuse_repeated(named, "client_id", "request_uri")
        pushed = sources.pushed.find(request_uri, named.get("client_id"))
        visit = _only(visit, "client_id", "request_uri")
        pairs = _with_wishes(pushed.parameters, visit)
        return Resolved(visit, pairs, True, pushed.is_signed, pushed, pushed.confirmation, pushed.client)
    signed, text = sources.signed, named.get("request")
    if signed is not None and (text is not None or signed.may_stand_at(request_uri)):
        _refuse_repeated(named, "client_id", "request", "request_uri")
        brought = signed.brought(known_client(clients, named.get("client_id")), text, request_uri, named.get(ARRIVED))
        visit = _only(visit, "client_id", "request", "request_uri")
        if brought.mark is not None:
            visit.query.append((ARRIVED, brought.mark))
        return Resolved(visit, _with_wishes(brought.parameters, visit), is_signed=True, pushed=brought.one_time)
    return Resolved(visit, visit.query)


def _only(visit: Visit, *names: str) -> Visit:
    """The visit with these names of its query alone, and our own mark."""
    return visit._replace(
        query=[pair for pair in visit.query if pair[0] in (*names, ANOTHER_ACCOUNT)], names_request=True
    )


def _with_wishes(pairs: Pairs, visit: Visit) -> Pairs:
    """A request's parameters, and that the user wants to choose another account, unless no page may be shown."""
    wants = any(name == ANOTHER_ACCOUNT for name, _ in visit.query)
    if not wants or any(name == "prompt" and "none" in value.split() for name, value in pairs):
        return pairs
    kept = (pair for pair in pairs if pair[0] not in ("prompt", "id_token_hint"))
    return [*kept, ("prompt", _choosing_an_account(pairs))]


def _choosing_an_account(pairs: Pairs) -> str:
    """The prompt of a request whose user wants to choose another account."""
    asked = [word for name, value in pairs if name == "prompt" for word in value.split() if word != "none"]
    return " ".join(dict.fromkeys((*asked, "select_account")))


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


class Parameters(NamedTuple):
    """The parameters by name, one value each, and the names of those that were sent more than once."""

    values: Mapping[str, str]
    repeated: frozenset[str]
    is_pushed: bool = False
    is_signed: bool = False

    def get(self, name: str) -> str | None:
        """A parameter's value; `None` where it wasn't sent, or was sent without a value (RFC 6749 section 3.1)."""
        return self.values.get(name)


def find_client(clients: ClientStore | ClientDirectory, resolved: Resolved) -> Client:
    """The client that an authorization request names. Raises `PageError`."""
    parameters = _by_name(resolved.pairs)
    _refuse_repeated(parameters, "client_id", "redirect_uri")
    client_id = parameters.get("client_id")
    if client_id is not None and resolved.seen is not None:
        client = clients.remembered(client_id, rechecked=True)
        if client is not None and client.enabled and (client.key, client.version) == resolved.seen:
            return client
    return known_client(clients, client_id)


def known_client(clients: ClientStore | ClientDirectory, client_id: str | None) -> Client:
    """The client of this name, as it is registered now. Raises `PageError`."""
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
    return client


def read_authorization(
    client: Client, resolved: Resolved, issuer: str, jarm: bool | str
) -> tuple[Authorization, Parameters]:
    """Where to answer the client, and the parameters, most of them still unchecked. Raises `PageError`.

    `issuer` is in every answer; `jarm` says which are signed (`OAUTH_JARM`). A `state` with which no answer could be read
    is left out of the authorization.
    """
    parameters = _by_name(resolved.pairs)._replace(is_pushed=resolved.is_pushed, is_signed=resolved.is_signed)
    _refuse_repeated(parameters, "redirect_uri")
    redirect_uri = parameters.get("redirect_uri")
    if redirect_uri is None and len(client.redirect_uris) != 1:
        raise PageError("invalid_request", "The parameter 'redirect_uri' is missing.")
    if redirect_uri is not None and not (is_registered(redirect_uri, client) or _may_push_others(client, resolved)):
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
        response_mode=response_mode_of(parameters.get("response_mode"), parameters.get("response_type") or "", jarm),
        confirmation=resolved.confirmation,
        pushed=resolved.pushed,
        audience=tuple(value for name, value in resolved.pairs if name == "resource" and value),
    )
    if authorization.state is not None and is_too_long(authorization, parameters.get("response_type"), issuer):
        authorization = replace(authorization, state=None)
    return authorization, parameters


def _may_push_others(client: Client, resolved: Resolved) -> bool:
    """Whether a client may push redirect URIs that aren't registered: one that proves who it is, and is allowed to.

    That is RFC 9126 section 2.4. The endpoint that takes them checks that they follow the rules for redirect URIs.
    """
    return resolved.is_pushed and client.pushed_redirect_uris and not client.is_public


def _refuse_repeated(parameters: Parameters, *names: str) -> None:
    for name in names:
        if name in parameters.repeated:
            raise PageError("invalid_request", f"The parameter '{name}' is repeated.")


def _by_name(pairs: Pairs) -> Parameters:
    values: dict[str, str] = {}
    repeated = set()
    for name, value in pairs:
        if value and name in values and name not in REPEATABLE:
            repeated.add(name)
        elif value:
            values[name] = value
    return Parameters(values, frozenset(repeated))
