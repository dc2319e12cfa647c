"""The output of commands: tables for people, `--json` for programs, one line on stderr for an error."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unicodedata import category, east_asian_width

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from ..clients.members import ClientMetadataError
from ..clients.registry import ClientNotFound
from ..config.checks import MAX_LIFETIME, ConfigurationError
from ..errors import OAuth2Error, TemporarilyUnavailable, shown, without_secrets
from ..hooks import UnusableSubject
from ..stores.applications import ApplicationInUse, ApplicationNotFound

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class OAuthGroup(AppGroup):
    """A group whose commands report an error by status 1 and one line on stderr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with _reported(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with _reported(ctx):
            return super().invoke(ctx)


@contextmanager
def _reported(ctx: click.Context) -> Iterator[None]:
    """Turn each error that a command may end with into a `ClickException` of one line, which no terminal obeys."""
    try:
        yield
    except TemporarilyUnavailable as error:
        raise _database_trouble(error.__cause__ or error) from error
    except DBAPIError as error:
        raise _database_trouble(error) from error
    except (
        ClientNotFound, ClientMetadataError, ApplicationNotFound, ApplicationInUse, ConfigurationError, UnusableSubject,
    ) as error:  # fmt: skip
        raise click.ClickException(visible(error)) from error
    except click.UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # click has this class since 8.2
            raise
        path = (error.ctx or ctx).command_path
        message = visible(" ".join(_short(error.format_message()).split()))
        raise click.ClickException(f"{message} See '{path} --help'.") from error
    except OAuth2Error as error:
        raise click.ClickException(visible(error.description or str(error.error))) from error
    except click.ClickException as error:
        raise click.ClickException(visible(_short(error.format_message()))) from error
    except UnicodeError as error:
        raise click.ClickException("What was given is no text: it holds bytes that are not UTF-8.") from error


def _short(message: str) -> str:
    """A message without what may be a secret, such as a key that was given for its file, and with short quotations."""
    return re.sub(r"'([^']{200})[^']+'", r"'\1...'", without_secrets(message))


def _database_trouble(error: BaseException) -> click.ClickException:
    cause = without_secrets(getattr(error, "orig", None) or error)
    return click.ClickException(f"The database can't be used: {visible(cause.strip().splitlines()[0])}")


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[int]):
    """Seconds, as a number or as `90s`, `15m`, `12h`, `30d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        number, unit = (value[:-1], value[-1]) if value[-1:] in UNITS else (value, "s")
        if not re.fullmatch("[0-9]{1,9}", number) or int(number) * UNITS[unit] > MAX_LIFETIME:
            self.fail(f"{shown(value, 40)} is not a duration: use a number of seconds, or 15m, 12h, 30d.", param, ctx)
        return int(number) * UNITS[unit]


class Moment(click.ParamType[int]):
    """A time in UTC, as seconds since 1970: written as the tables here print times, as a date, by ISO 8601, or in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if re.fullmatch("[0-9]{9,10}", value):  # as `token inspect` and `--json` print times
            return int(value)
        try:
            found = datetime.fromisoformat(value)
            return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self.fail(f"{shown(value, 40)} is not a time: use 2026-01-31, or 2026-01-31 12:00:00Z.", param, ctx)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, sort_keys=False).replace("\x7f", "\\u007f"))  # which JSON leaves as it is


def print_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table. Each column is as wide as its widest cell; characters that could control a terminal are replaced.

    Where a terminal is too narrow for it, each row is a block of lines, one a column.
    """
    table = [[visible(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    if is_terminal() and sum(widths) + 2 * len(widths) - 2 > shutil.get_terminal_size().columns:
        click.echo("\n\n".join(_block(table[0], row) for row in table[1:]))
        return
    for row in table:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def is_terminal() -> bool:
    """Whether somebody looks at the output; in a file or a pipe a row stays one line."""
    return sys.stdout.isatty()


def _block(head: Sequence[str], row: Sequence[str]) -> str:
    widest = max(map(_width, head))
    return "\n".join(
        f"{name.ljust(widest)}  {cell}".rstrip() for name, cell in zip(head, row, strict=True) if cell.strip()
    )


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: letters of East Asia take two, accents that combine none."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me") else 1 + (east_asian_width(c) in ("W", "F")) for c in text)


def visible(value: Any) -> str:
    """A value as text, without characters that could control a terminal, and with escapes for those that it can't write."""
    text = "" if value is None else str(value)
    encoding = sys.stdout.encoding or "utf-8"
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def when(seconds: int | None) -> str:
    """A time as text, in UTC; empty for `None`."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
