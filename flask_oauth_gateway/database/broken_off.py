"""Recognises a statement that was broken off: its answer may be yet to come, and would be taken for the next one's.

What breaks it off may be raised anywhere in the driver, by gevent or by a signal's handler, and be of any class: whatever is
neither the driver's own nor SQLAlchemy's. So the connection is closed, for a prepared statement by `prepared.py`, for all
that SQLAlchemy runs itself by a listener. SQLite's statements end before anything is raised.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import SQLAlchemyError


def is_broken_off(error: BaseException, dialect: Dialect) -> bool:
    """Whether what a statement has raised may have left its answer on the connection."""
    return dialect.name != "sqlite" and not isinstance(error, (SQLAlchemyError, dialect.loaded_dbapi.Error))


def drop_when_broken_off(dialect: Dialect) -> None:
    """Have SQLAlchemy close a connection whose statement was broken off."""
    listeners: Any = dialect.__dict__.pop("dispatch", None)  # a copied dialect has them in common with the app's
    if listeners is not None:
        dialect.dispatch._update(listeners, only_propagate=False)  # noqa: SLF001
    event.listen(dialect, "handle_error", _drop)


def _drop(context: ExceptionContext) -> None:
    if is_broken_off(context.original_exception, context.dialect):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False  # the server and the other connections are well
