"""What an engine is asked to do, by way of SQLAlchemy or of a prepared statement."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import Engine, event

from flask_oauth_gateway.database import prepared


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Every statement of this thread from now on, with its parameters (those of the first row, where there are many).

    What a server's own threads ask now and then is no part of what a test does.
    """
    told: list[tuple[str, Any]] = []
    here = threading.get_ident()
    run = prepared._run

    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if threading.get_ident() == here:
            told.append((statement, parameters[0] if many else parameters))

    def note(connection: Any, text: str, compiled: Any, parameters: Any) -> Any:
        if connection.engine is engine and threading.get_ident() == here:
            told.append((text, () if compiled is None else compiled.arguments(parameters)))
        return run(connection, text, compiled, parameters)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        with mock.patch.object(prepared, "_run", note):
            yield told
    finally:
        event.remove(engine, "before_cursor_execute", listen)
