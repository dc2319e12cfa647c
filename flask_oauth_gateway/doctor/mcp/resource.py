"""A client's first steps, at the MCP server itself: the 401 and its challenge, then the resource's metadata (RFC 9728)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ...permissions.resources import WELL_KNOWN
from .asking import Answer, Away, ask, is_http, listed, post_json, preflight
from .hindrance import BROWSERS, CLAUDE, EVERY_CLIENT, SDKS, Hindrance

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "flask oauth doctor", "version": "1"},
    },
}
MCP_HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
SENT_BY_BROWSERS = "authorization, content-type, mcp-protocol-version"
NO_TOKEN = "POST without a token"
PROXY = "look whether a proxy in front answers in its place"


def call(url: str, token: str | None = None) -> Answer:
    """Call the MCP server as a client does. Raises `Away`."""
    return post_json(url, INITIALIZE, MCP_HEADERS | ({} if token is None else {"Authorization": f"Bearer {token}"}))


def look_at_the_401(first: Answer) -> Iterator[Hindrance]:
    """What is wrong with the answer to the first call, which has no token."""
    if first.is_redirect:
        where = first.headers.get("Location", "")
        why = f"it redirects to {where}, and no client sends its call or its token there"
        yield Hindrance(NO_TOKEN, why, EVERY_CLIENT, "answer at this URL itself, with and without a slash at its end")
        return
    if first.status != 401:
        why = f"the answer is {first.status}, so no client learns that it has to sign in"
        fix = "answer 401 with a challenge wherever no token came"
        if first.status == 404:
            why, fix = "the answer is 404: nothing is at this path", f"look whether this is the URL, and {PROXY[5:]}"
        elif 200 <= first.status < 300:
            why, fix = f"the answer is {first.status}: anybody may call, without a token", "ask for a token here"
        yield Hindrance(NO_TOKEN, why, EVERY_CLIENT, fix)
        return
    challenge = first.challenge
    if challenge is None:
        why = "the 401 has no WWW-Authenticate: Bearer, so a client guesses where the metadata are, and which scope to ask for"
        yield Hindrance(
            NO_TOKEN, why, EVERY_CLIENT, f"send the challenge; where the app does, {PROXY} or drops the header"
        )
        return
    if not challenge.get("resource_metadata"):
        why = "the challenge has no resource_metadata, so clients find the metadata at the well-known places alone"
        yield Hindrance(NO_TOKEN, why, SDKS, "name the document's URL in the challenge (RFC 9728 section 5.1)")
    if challenge.get("error"):
        why = f"the challenge says {challenge.get('error')}, though no token came (RFC 6750 section 3.1)"
        yield Hindrance(
            NO_TOKEN, why, "clients that take a token of theirs for refused", "leave the error out there", is_note=True
        )
    if "offline_access" in scopes_of(challenge.get("scope")):
        why = "the challenge asks for offline_access, which is no scope of a resource"
        yield Hindrance(NO_TOKEN, why, SDKS, "name the scopes that the call needs, and no other")
    if "www-authenticate" not in first.names("Access-Control-Expose-Headers") or not first.is_for_browsers:
        why = "a page of another origin can't read the challenge (CORS)"
        fix = "send Access-Control-Allow-Origin, and Access-Control-Expose-Headers: WWW-Authenticate, with the 401 too"
        yield Hindrance(NO_TOKEN, why, BROWSERS, fix, is_note=True)


def look_around(url: str) -> Iterator[Hindrance]:
    """The other calls at the MCP server: a bad token, a GET, a path below, a browser's preflight. Raises `Away`."""
    bad = call(url, "made-up-by-flask-oauth-doctor")
    if bad.status != 401:
        why = f"the answer is {bad.status}, so no client learns that its token is over, and renews it"
        yield Hindrance("POST with a bad token", why, EVERY_CLIENT, 'answer 401 with error="invalid_token"')
    elif bad.challenge is None or bad.challenge.get("error") != "invalid_token":
        why = "the 401 doesn't say invalid_token (RFC 6750 section 3.1)"
        yield Hindrance("POST with a bad token", why, SDKS, "say so in WWW-Authenticate", is_note=True)
    reading = ask("GET", url, MCP_HEADERS)
    if 200 <= reading.status < 300:
        why = f"the answer is {reading.status}: anybody may listen, without a token"
        yield Hindrance("GET without a token", why, EVERY_CLIENT, "ask for a token with every method")
    if not url.endswith("/"):
        below = call(f"{url}/")
        if 200 <= below.status < 300 or below.status >= 500:
            why = f"{url}/ answers {below.status}, and {url} doesn't: for a proxy these are two rules"
            yield Hindrance(
                "the paths below", why, EVERY_CLIENT, "give both to the same application, and ask for a token at both"
            )
    asked = preflight(url, "POST", SENT_BY_BROWSERS)
    allowed = asked.names("Access-Control-Allow-Headers")
    is_allowed = allowed >= {"authorization", "mcp-protocol-version"} or "*" in allowed
    if not (200 <= asked.status < 300 and asked.is_for_browsers and is_allowed):
        why = f"the preflight is answered with {asked.status}, and allows a page of another origin no call (CORS)"
        fix = f"allow other origins, POST and the headers {SENT_BY_BROWSERS}, if such clients matter"
        yield Hindrance("OPTIONS", why, BROWSERS, fix, is_note=True)


def places_of(url: str, named: str | None) -> dict[str, str]:
    """Where clients look for the resource's metadata, in their order, each with what it is called here."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}"
    found = {} if named is None else {named: "the document that the challenge names"}
    for place in (f"{root}{parts.path.rstrip('/')}", root):
        found.setdefault(place, place.removeprefix(f"{parts.scheme}://{parts.netloc}"))
    return found


def find_metadata(url: str, named: str | None) -> tuple[dict[str, Any] | None, list[Hindrance]]:
    """The resource's metadata as a client finds it, and what was wrong at the places."""
    wrong: list[Hindrance] = []
    documents: dict[str, dict[str, Any]] = {}
    for place, name in places_of(url, named).items():
        answer, trouble = read_document(place, name)
        wrong += trouble
        if answer is not None and answer.document is not None:
            documents[place] = answer.document
            if not answer.is_for_browsers:
                why = "a page of another origin can't read it (CORS)"
                wrong.append(Hindrance(name, why, BROWSERS, "send Access-Control-Allow-Origin: *", is_note=True))
        elif place == named and not trouble:
            why = "nothing is there"
            wrong.append(Hindrance(name, why, SDKS, f"answer at {place}, as the challenge says"))
    if not documents:
        why = f"the resource's metadata is at none of its places ({', '.join(places_of(url, named))})"
        wrong.append(Hindrance("resource metadata", why, EVERY_CLIENT, "publish it (RFC 9728)"))
        return None, wrong
    return next(iter(documents.values())), wrong


def read_document(place: str, name: str) -> tuple[Answer | None, list[Hindrance]]:
    """What is at a place where a client looks for a document: `None` where nothing is; and what it would trip over."""
    try:
        answer = ask("GET", place)
    except Away as error:
        return None, [Hindrance(name, f"nobody answers: {error}", EVERY_CLIENT, PROXY)]
    if answer.status in (404, 405, 410):
        return None, []
    if answer.status == 200 and answer.document is not None:
        return answer, []
    if answer.is_redirect:
        why = f"it redirects to {answer.headers.get('Location', '')}, which not every client follows"
    elif answer.is_page:
        why = f"it answers {answer.status} with a page, where programs look for a document or a 404"
    else:
        why = f"it answers {answer.status} with what is no JSON object"
    return None, [Hindrance(name, why, EVERY_CLIENT, f"answer with the document or with 404; {PROXY}")]


def look_at_metadata(url: str, document: dict[str, Any], challenged: bool) -> Iterator[Hindrance]:
    """What is wrong in the resource's metadata. `challenged`: the 401 has named a scope."""
    name = "resource metadata"
    resource = document.get("resource")
    if not isinstance(resource, str) or not is_parent(resource, url):
        why = f"its resource is {resource!r}, which isn't {url} nor above it"
        yield Hindrance(
            name, why, SDKS, f"name {url}, as clients write it: behind a proxy, look at the host and scheme"
        )
    if not servers_of(document):
        why = "it names no authorization_servers"
        yield Hindrance(name, why, EVERY_CLIENT, "name the issuer of the tokens that are taken here")
    scopes = listed(document, "scopes_supported") or []
    if "offline_access" in scopes:
        why = "its scopes_supported have offline_access, which is no scope of a resource"
        yield Hindrance(name, why, SDKS, "leave it out here; it belongs into the authorization server's metadata")
    if not scopes and not challenged:
        why = "neither it nor the challenge names a scope, so Claude asks for one called claudeai, and others for none"
        yield Hindrance(name, why, CLAUDE, "name the scopes in both")
    elif not challenged:
        why = "the challenge names no scope, so clients ask for all scopes_supported"
        yield Hindrance(NO_TOKEN, why, SDKS, "name in the challenge what the call needs", is_note=True)
    methods = listed(document, "bearer_methods_supported")
    if methods is not None and "header" not in methods:
        why = "by its bearer_methods_supported no token is taken from the header, and clients send it nowhere else"
        yield Hindrance(name, why, EVERY_CLIENT, 'take it there, and list "header"')


def servers_of(document: dict[str, Any]) -> list[str]:
    """The authorization servers that a resource's metadata names."""
    return [each for each in listed(document, "authorization_servers") or () if is_http(each)]


def scopes_of(text: Any) -> list[str]:
    """The scopes in a challenge."""
    return text.split() if isinstance(text, str) else []


def is_parent(resource: str, url: str) -> bool:
    """Whether a resource is the URL or above it: the same scheme and host, and the first segments of its path."""
    try:
        above, at = urlsplit(resource), urlsplit(url)
        same = (above.scheme.lower(), above.netloc.lower()) == (at.scheme.lower(), at.netloc.lower())
    except ValueError:
        return False
    return same and f"{at.path.rstrip('/')}/".startswith(f"{above.path.rstrip('/')}/")
