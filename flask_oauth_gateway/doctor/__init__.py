"""What of a running server is weak, measured against RFC 9700 and OAuth 2.1: tables of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TemporarilyUnavailable
from .settings import CHECKS
from .stored import STORED
from .surroundings import SURROUNDINGS
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

__all__ = ["Weakness", "examine"]


def examine(server: AuthorizationServer) -> list[Weakness]:
    """Every weakness: of the settings, of the app around them, and of what stands in the database."""
    found = [check.weakness for check in CHECKS if check.applies(server.settings)]
    for look in SURROUNDINGS:
        found += look(server)
    try:
        for look in STORED:
            found += look(server)
    except TemporarilyUnavailable as error:
        cause = error.__cause__
        reason = str(getattr(cause, "orig", None) or cause or error.description).strip().splitlines()[0].rstrip(".")
        found.append(
            Weakness(
                "the database", f"it can't be read: {reason}", "make the tables (flask oauth init-db, flask db upgrade)"
            )
        )
    return found
