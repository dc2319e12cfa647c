"""A client registers itself for a flow, with what the flow needs: so each walk has a client and keys of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from .walk import Walk


def register(to: Walk, title: str, **metadata: Any) -> Generator[Any, Any, dict[str, Any]]:
    """Register a client; returns what the server answers."""
    said = {"redirect_uris": [to.redirect_uri], "grant_types": ["authorization_code", "refresh_token"], **metadata}
    answer = yield to.request(title, "POST", "/oauth/register", json=said, expect=201)
    registered: dict[str, Any] = answer.json
    kept = {name: value for name, value in metadata.items() if name != "client_name"}
    to.check(all(registered.get(name) == value for name, value in kept.items()), "the answer says what it is held to")
    return registered
