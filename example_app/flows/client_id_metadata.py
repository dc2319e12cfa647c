"""A program's client_id is the address of a document that says who it is: nobody registers it (Client ID Metadata Document)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

from .approval import approve, pkce
from .walk import Flow, Getting, Held, Walk

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def get(to: Walk) -> Getting:
    title, only = "The program asks what this server can do.", ("issuer", "client_id_metadata_document_supported")
    answer = yield to.request(title, "GET", WELL_KNOWN, only=only)
    to.check(
        answer.json["client_id_metadata_document_supported"] is True, "a client_id may be the address of a document"
    )

    client_id = (yield from document(to))["client_id"]
    to.tell(
        "When the user's browser comes with that client_id, the server fetches the document: by https, without following"
        " redirects, and never from an address inside of its own network. It keeps it for a while."
    )
    return (yield from approve(to, client_id=client_id, scope="weather:read"))


def document(to: Walk) -> Generator[Any, Any, dict[str, Any]]:
    """Look at the document of the demo's program; returns it."""
    title = (
        "Its author has published a document. (The demo shows it here too; the server fetches it from where it says.)"
    )
    answer = yield to.request(title, "GET", "/assistant/client.json")
    found: dict[str, Any] = answer.json
    to.check(found["client_id"].startswith("https://"), "its client_id is the address where it stands")
    to.check("client_secret" not in found, "everybody can read it, so there is no secret in it")
    return found


def refusals(to: Walk, held: Held) -> Flow:
    ask = {"response_type": "code", "redirect_uri": to.redirect_uri, **pkce("v" * 43)}
    for title, changed in (
        (
            "An address at which there is no document.",
            {"client_id": held.client_id.replace("client.json", "other.json")},
        ),
        (
            "An address that isn't in the document: the user's code would go to somebody else.",
            {"client_id": held.client_id, "redirect_uri": "https://evil.example/callback"},
        ),
    ):
        yield to.request(title, "GET", f"/oauth/authorize?{urlencode(ask | changed)}", expect=400)
