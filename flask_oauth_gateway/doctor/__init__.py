"""Finds what is weak in a running server, by RFC 9700 and OAuth 2.1: tables of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TemporarilyUnavailable, without_secrets
from .settings import CHECKS
from .start import AT_START
from .stored import STORED
from .surroundings import SURROUNDINGS
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

__all__ = ["Weakness", "examine"]


def examine(server: AuthorizationServer) -> list[Weakness]:
    """All weaknesses: of the settings, of the app and its processes, and of the database's contents."""
    found = [check.weakness for check in CHECKS if check.applies(server.settings)]
    for look in (*SURROUNDINGS, *AT_START):
        found += look(server)
    try:
        for look in STORED:
            found += look(server)
    except TemporarilyUnavailable as error:
        cause = error.__cause__
        found_out = without_secrets(getattr(cause, "orig", None) or cause or error.description)
        reason = found_out.strip().splitlines()[0].rstrip(".")
        found.append(
            Weakness(
                "the database", f"it can't be read: {reason}", "make the tables (flask oauth init-db, flask db upgrade)"
            )
        )
    return found
