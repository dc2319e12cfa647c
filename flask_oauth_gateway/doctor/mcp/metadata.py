"""A client's next steps: the authorization server's metadata, at every place where a client may look (RFC 8414, OpenID)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from ...config.checks import is_loopback
from .asking import listed
from .hindrance import BROWSERS, EVERY_CLIENT, SDKS, Hindrance
from .resource import read_document

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "registration_endpoint")
#: MCP 2026-07-28 calls registration deprecated, and keeps such a thing for at least a year.
KEPT_UNTIL = "2027-07-28"
NAME = "authorization server metadata"


def places_of(issuer: str) -> dict[str, str]:
    """Where clients look, in their order, each with its path."""
    parts = urlsplit(issuer)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    paths = [f"{OAUTH}{path}", f"{OPENID}{path}", *([f"{path}{OPENID}"] if path else [])]
    return {f"{root}{each}": each for each in paths}


def find_metadata(issuer: str) -> tuple[dict[str, Any] | None, list[Hindrance]]:
    """The server's metadata as a client finds it, and what is wrong at the places and in what stands there."""
    wrong: list[Hindrance] = []
    found: dict[str, dict[str, Any]] = {}
    for place, name in places_of(issuer).items():
        answer, trouble = read_document(place, name)
        wrong += trouble
        if answer is None or answer.document is None:
            continue
        found[name] = answer.document
        wrong += _look_at_one(name, answer.document, issuer)
        if not answer.is_for_browsers:
            why = "a page of another origin can't read it (CORS)"
            wrong.append(Hindrance(name, why, BROWSERS, "send Access-Control-Allow-Origin: *", is_note=True))
    if not found:
        why = f"{issuer} has its metadata at none of their places ({', '.join(places_of(issuer).values())})"
        wrong.append(Hindrance(NAME, why, EVERY_CLIENT, "publish them (RFC 8414)"))
        return None, wrong
    first, *others = found.values()
    for member in ENDPOINTS:
        if any(other.get(member) != first.get(member) for other in others):
            why = (
                f"{member} differs from place to place ({', '.join(found)}), so clients of one server go different ways"
            )
            wrong.append(Hindrance(NAME, why, EVERY_CLIENT, "serve the same at all places"))
    return first, wrong


def _look_at_one(name: str, document: dict[str, Any], issuer: str) -> Iterator[Hindrance]:
    """What each of the documents must hold, whichever of them a client reads."""
    if document.get("issuer") != issuer:
        why = f"its issuer is {document.get('issuer')!r}, and the resource names {issuer!r}: they must be the same"
        yield Hindrance(name, why, SDKS, "make them the same, and look for a slash at the end (RFC 8414 section 3.3)")
    if "S256" not in (listed(document, "code_challenge_methods_supported") or ()):
        why = "its code_challenge_methods_supported have no S256, without which clients stop"
        yield Hindrance(name, why, SDKS, "support PKCE by S256, and list it in both kinds of metadata")


def look_at_metadata(document: dict[str, Any]) -> Iterator[Hindrance]:
    """What the server offers, and which clients that leaves out."""
    yield from _look_at_endpoints(document)
    yield from _look_at_lists(document)
    by_document = document.get("client_id_metadata_document_supported") is True
    by_registration = isinstance(document.get("registration_endpoint"), str)
    if not (by_document or by_registration):
        why = (
            "a client that nobody registered by hand can't come: there are neither metadata documents nor registration"
        )
        yield Hindrance(NAME, why, "Claude, ChatGPT, VS Code, Cursor and all others", "turn metadata documents on")
    elif not by_document:
        why = f"it has registration alone, which is deprecated since 2026-07-28 and may go from {KEPT_UNTIL} on"
        fix = "offer metadata documents too (client_id_metadata_document_supported)"
        yield Hindrance(NAME, why, "clients that no longer register", fix, is_note=True)
    elif not by_registration:
        why = "it has no registration, which is deprecated, and which clients from before 2026-07-28 still need"
        fix = f"offer it until {KEPT_UNTIL} at least, if such clients matter"
        yield Hindrance(NAME, why, "Cursor, and older builds of others", fix, is_note=True)
    if document.get("authorization_response_iss_parameter_supported") is not True:
        why = "its answers don't name their issuer (iss, RFC 9207), which MCP will ask for"
        fix = "send iss with answers and errors, and say so by authorization_response_iss_parameter_supported"
        yield Hindrance(NAME, why, SDKS, fix, is_note=True)


def _look_at_endpoints(document: dict[str, Any]) -> Iterator[Hindrance]:
    for member in ENDPOINTS:
        url = document.get(member)
        if not isinstance(url, str):
            if member != "registration_endpoint":
                yield Hindrance(NAME, f"it names no {member}", EVERY_CLIENT, "name it")
            continue
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            why = f"its {member} is {url}, which is not https"
            yield Hindrance(NAME, why, SDKS, "use https; behind a proxy, tell the app by which URL it is reached")


def _look_at_lists(document: dict[str, Any]) -> Iterator[Hindrance]:
    if "code" not in (listed(document, "response_types_supported") or ()):
        yield Hindrance(NAME, "its response_types_supported have no code", EVERY_CLIENT, "support it, and list it")
    grants = listed(document, "grant_types_supported") or ["authorization_code", "implicit"]  # RFC 8414 section 2
    if "authorization_code" not in grants:
        why = "its grant_types_supported have no authorization_code"
        yield Hindrance(NAME, why, EVERY_CLIENT, "support it, and list it")
    elif "refresh_token" not in grants:
        why = "its grant_types_supported have no refresh_token, so users sign in again whenever a token ends"
        yield Hindrance(NAME, why, EVERY_CLIENT, "support it, and list it", is_note=True)
    methods = listed(document, "token_endpoint_auth_methods_supported")
    if methods is None:
        why = "it lists no token_endpoint_auth_methods_supported, which then means client_secret_basic alone"
        yield Hindrance(NAME, why, "ChatGPT, and clients without a secret", 'list them, "none" among them')
    elif "none" not in methods:
        why = "its token_endpoint_auth_methods_supported have no none: clients on people's machines can't keep a secret"
        yield Hindrance(NAME, why, "Claude Code, VS Code, Cursor", 'take clients without a secret, and list "none"')
