"""A client's last steps: how the authorization server's endpoints answer what can't be right. Nothing is stored there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from .asking import ORIGIN, Answer, Away, ask, post_form, post_json, preflight
from .hindrance import BROWSERS, CLAUDE, EVERY_CLIENT, Hindrance

MADE_UP = "made-up-by-flask-oauth-doctor"
BACK = f"{ORIGIN}/callback"
CODE = {
    "grant_type": "authorization_code",
    "code": MADE_UP,
    "redirect_uri": BACK,
    "code_verifier": MADE_UP * 2,
}
REFRESH = {"grant_type": "refresh_token", "refresh_token": MADE_UP}
AUTHORIZE = {
    "response_type": "code",
    "redirect_uri": BACK,
    "state": "s",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
#: Registered by nobody: it isn't even a URL.
REGISTRATION = {"client_name": "flask oauth doctor", "redirect_uris": ["no URL"]}
REGISTRATION_ERRORS = ("invalid_redirect_uri", "invalid_client_metadata")
IN_JSON = "an OAuth error in JSON (RFC 6749 section 5.2)"
RAW = "clients show it as it is, or give up"


def look_at_endpoints(document: dict[str, Any], issuer: str) -> Iterator[Hindrance]:
    """What is wrong with the answers of the endpoints that the metadata name."""
    clients = [MADE_UP]
    if document.get("client_id_metadata_document_supported") is True:
        clients.append(f"{ORIGIN}/client.json")  # nothing can be fetched there
    for member, look in (
        ("authorization_endpoint", partial(_look_at_authorize, clients=clients)),
        ("token_endpoint", partial(_look_at_token, clients=clients)),
        ("registration_endpoint", _look_at_register),
    ):
        url = document.get(member)
        if isinstance(url, str):
            try:
                yield from look(url)
            except Away as error:
                yield Hindrance(member, f"nobody answers: {error}", EVERY_CLIENT, f"answer at {url}")
    yield from _look_at_the_root(document, issuer)


def _look_at_authorize(url: str, clients: list[str]) -> Iterator[Hindrance]:
    name = "authorization_endpoint"
    for client_id in clients:
        asked = AUTHORIZE | {"client_id": client_id}
        answer = ask("GET", f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}", {"Accept": "text/html"})
        if answer.status >= 500 or answer.status in (404, 405):
            why = f"the client {client_id}, which can't be known, is answered with {answer.status}"
            fix = "answer 400 with a page that says how to get out: remove the connection, connect again"
            yield Hindrance(name, why, EVERY_CLIENT, fix)
        elif answer.headers.get("Location", "").startswith(ORIGIN):
            why = "it redirects to an address of a client that nobody knows, so it can be made to send people anywhere"
            yield Hindrance(
                name, why, EVERY_CLIENT, "redirect to registered addresses alone (RFC 6749 section 4.1.2.1)"
            )


def _look_at_token(url: str, clients: list[str]) -> Iterator[Hindrance]:
    name = "token_endpoint"
    for fields, client_id in ((CODE, clients[0]), (REFRESH, clients[0]), *((CODE, each) for each in clients[1:])):
        answer = post_form(url, fields | {"client_id": client_id})
        what = f"a made-up {fields['grant_type']} of the client {client_id}, which can't be known,"
        trouble = _no_json_error(answer)
        if trouble is not None:
            yield Hindrance(name, f"{what} is answered {trouble}; {RAW}", EVERY_CLIENT, f"answer with {IN_JSON}")
        elif answer.error == "invalid_client" and answer.status != 401:
            why = f"{what} is answered {answer.status} invalid_client: with 400 Claude keeps a client that is gone, for ever"
            yield Hindrance(name, why, CLAUDE, "answer 401 (RFC 6749 section 5.2), and it registers again")
        elif answer.error not in ("invalid_client", "invalid_grant"):
            why = f"{what} is answered {answer.error}, by which no client knows that it has to begin anew"
            yield Hindrance(name, why, EVERY_CLIENT, "answer 401 invalid_client, or 400 invalid_grant")
    yield from _look_at_preflight(url, name)


def _look_at_register(url: str) -> Iterator[Hindrance]:
    name = "registration_endpoint"
    answer = post_json(url, REGISTRATION)
    trouble = _no_json_error(answer)
    if answer.status == 201:
        why = 'it has registered a client whose only redirect URI is "no URL"'
        yield Hindrance(
            name, f"{why}; {_taken_back(answer)}", EVERY_CLIENT, "check what is registered (RFC 7591 section 2)"
        )
    elif answer.status in (401, 403):
        why = "it wants a token for registering, and no client has one by itself"
        yield Hindrance(
            name,
            why,
            "Claude, ChatGPT, VS Code, Cursor and all others",
            "open it, or offer metadata documents",
            is_note=True,
        )
    elif answer.status == 429:
        yield Hindrance(name, "it has had enough requests for now", EVERY_CLIENT, "ask again later", is_note=True)
    elif trouble is not None:
        yield Hindrance(name, f"a bad request is answered {trouble}; {RAW}", EVERY_CLIENT, f"answer 400 with {IN_JSON}")
    elif answer.error not in REGISTRATION_ERRORS:
        why = f"a bad redirect URI is answered {answer.error}"
        yield Hindrance(name, why, EVERY_CLIENT, "answer invalid_redirect_uri (RFC 7591 section 3.2.2)", is_note=True)
    yield from _look_at_preflight(url, name)


def _taken_back(answer: Answer) -> str:
    """Delete what a careless server has registered (RFC 7592 section 2.3)."""
    made = answer.document or {}
    url, token = made.get("registration_client_uri"), made.get("registration_access_token")
    if isinstance(url, str) and isinstance(token, str) and urlsplit(url)[:2] == urlsplit(answer.url)[:2]:
        with suppress(Away):
            if ask("DELETE", url, {"Authorization": f"Bearer {token}"}).status == 204:
                return "it was deleted again"
    return "delete it there"


def _no_json_error(answer: Answer) -> str | None:
    """What an answer is in the place of an OAuth error in JSON."""
    if answer.is_redirect:
        return f"{answer.status}, a redirect to {answer.headers.get('Location', '')}"
    if answer.status == 422 or answer.status >= 500 or not 400 <= answer.status < 500:
        return str(answer.status)
    if answer.error is None:
        return f"{answer.status} with {'a page' if answer.is_page else 'what is no error in JSON'}"
    return None


def _look_at_preflight(url: str, name: str) -> Iterator[Hindrance]:
    asked = preflight(url, "POST", "content-type, mcp-protocol-version")
    if not (200 <= asked.status < 300 and asked.is_for_browsers):
        why = f"the preflight is answered with {asked.status}, and allows a page of another origin no request (CORS)"
        yield Hindrance(name, why, BROWSERS, "allow other origins, if such clients matter", is_note=True)


def _look_at_the_root(document: dict[str, Any], issuer: str) -> Iterator[Hindrance]:
    """Clients of 2025-03-26 call `/token` at the root whatever the metadata say."""
    parts = urlsplit(issuer)
    url = f"{parts.scheme}://{parts.netloc}/token"
    if document.get("token_endpoint") == url:
        return
    try:
        is_there = post_form(url, CODE | {"client_id": MADE_UP}).error is not None
    except Away:
        is_there = False
    if not is_there:
        why = f"nothing answers at {url}, which such clients call whatever the metadata say"
        fix = "answer at /authorize, /token and /register too, if such clients matter"
        yield Hindrance("/token at the root", why, "clients of 2025-03-26, older builds of Claude", fix, is_note=True)
