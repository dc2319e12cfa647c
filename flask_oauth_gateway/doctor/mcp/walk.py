"""The walk: each step as a client takes it, from the 401 to the token."""

from __future__ import annotations

from urllib.parse import urlsplit

from .asking import Away
from .endpoints import look_at_endpoints
from .hindrance import EVERY_CLIENT, Hindrance
from .metadata import find_metadata as find_server
from .metadata import look_at_metadata as look_at_server
from .resource import call, find_metadata, look_around, look_at_metadata, look_at_the_401, scopes_of, servers_of


def walk(url: str) -> list[Hindrance]:
    """Everything that a client would trip over at an MCP server, in the order in which it would; notes among it."""
    try:
        first = call(url)
        if first.status == 404:  # whatever else is asked there would say so again
            return list(look_at_the_401(first))
        found = [*look_at_the_401(first), *look_around(url)]
    except Away as error:
        return [
            Hindrance(
                url, f"nobody answers: {error}", EVERY_CLIENT, "look whether this is the URL, and its certificate"
            )
        ]
    challenge = first.challenge if first.status == 401 else None
    named = challenge.get("resource_metadata") if challenge is not None else None
    document, wrong = find_metadata(url, named)
    found += wrong
    servers = servers_of(document or {})
    if document is not None:
        challenged = challenge is not None and bool(scopes_of(challenge.get("scope")))
        found += look_at_metadata(url, document, challenged)
    else:  # clients of 2025-03-26 take the MCP server itself for the authorization server, and others try that too
        parts = urlsplit(url)
        servers = [f"{parts.scheme}://{parts.netloc}"]
    for issuer in dict.fromkeys(servers):
        metadata, wrong = find_server(issuer)
        found += wrong
        if metadata is not None:
            found += [*look_at_server(metadata), *look_at_endpoints(metadata, issuer)]
    return list(dict.fromkeys(found))
