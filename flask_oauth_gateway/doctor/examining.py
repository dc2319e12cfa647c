"""Goes through every table of checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from ..database.engine import what_to_do
from ..database.schema import WrongTables
from ..database.sqlite.journal import examined
from ..errors import TemporarilyUnavailable, without_secrets
from .mutual_tls import mutual_tls
from .servers import SERVERS
from .settings import CHECKS
from .start import AT_START
from .stored import QUICK, STORED
from .surroundings import SURROUNDINGS
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer


def examine(server: AuthorizationServer, *, quick: bool = False) -> list[Weakness]:
    """All weaknesses: of the settings, of the app and its processes, and of the database's contents.

    `quick`: without the clients and the audit trail, of which there may be many.
    """
    found = [check.weakness for check in CHECKS if check.applies(server.settings)]
    for look in (*SURROUNDINGS, *AT_START, mutual_tls):
        found += look(server)
    try:
        with examined():
            for look in (*SERVERS, *(QUICK if quick else STORED)):
                found += look(server)
    except TemporarilyUnavailable as error:
        cause = error.__cause__
        found_out = without_secrets(getattr(cause, "orig", None) or cause or error.description)
        reason = found_out.strip().splitlines()[0].rstrip(".")
        advice = _advice(cause)
        if isinstance(cause, WrongTables):
            reason, _, advice = reason.partition(". ")
        found.append(Weakness("the database", f"it can't be read: {reason}", advice))
    return found


def _advice(cause: BaseException | None) -> str:
    """What to do where the database can't be read."""
    if isinstance(cause, OSError):
        return "make the folder, or set OAUTH_DATABASE_URI"
    if not isinstance(cause, SQLAlchemyError):  # the app's db has no database for the tables
        return "do what the log says"
    return what_to_do(cause) or "see that it runs, and that host, name, user and password in its URL are right"
