"""`flask oauth …`: the command line, one file a noun. A command ends with status 0, or with 1 and one line on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from ..config.checks import is_loopback
from .output import OAuthGroup

if TYPE_CHECKING:
    from flask import Flask

    from ..config import Settings


class CommandLine(OAuthGroup):
    """The `oauth` group, which loads its commands when one is asked for: a server that takes requests needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        if not self.commands:
            _add_commands(self)


def make_cli() -> AppGroup:
    """The `oauth` group of an app's command line. A resource server has another group, and loads none of these files."""
    return CommandLine(
        "oauth",
        help="The OAuth gateway: clients, applications, tokens, sessions, keys, issuers, audit trail, database.",
    )


def _add_commands(group: AppGroup) -> None:
    from .application import application
    from .audit import audit
    from .client import client
    from .doctor import doctor
    from .explaining.explain import explain_request
    from .explaining.inspect import inspect_document
    from .importing import export_clients, import_clients
    from .issuer import issuer
    from .key import key
    from .registering.registration_token import registration_token
    from .routes import routes
    from .session import session
    from .token import token

    for command in (import_clients, export_clients, inspect_document):
        client.add_command(command)
    for command in (
        client, application, registration_token, token, session, key, issuer, audit, doctor, explain_request, routes, init_db,
    ):  # fmt: skip
        group.add_command(command)


def say_what_flask_run_lacks(app: Flask, settings: Settings) -> None:
    """Say at once, where `flask run` is about to serve beyond loopback, that the server needs a name for that."""
    ctx = click.get_current_context(silent=True)
    if ctx is None or ctx.info_name != "run" or settings.issuer is not None or app.debug or app.testing:
        return
    host = ctx.params.get("host")
    if isinstance(host, str) and not is_loopback(host):
        click.echo(
            f"At {host} the gateway does not know its own name: set OAUTH_ISSUER to this server's URL,"
            " and OAUTH_ALLOW_HTTP = True while that is plain http.",
            err=True,
        )


@click.command("init-db")
@click.option(
    "--wal", is_flag=True, help="Switch the SQLite file to write-ahead logging, for good and for the app too."
)
@with_appcontext
def init_db(wal: bool) -> None:
    """Make those of the gateway's tables that are missing, and bring those of an older version up to date."""
    from sqlalchemy.pool import StaticPool

    from ..authorization_server import current_server
    from ..database.app_engine import engine_beside
    from ..database.connect import create_tables
    from ..database.schema import check_version
    from ..database.sqlite.journal import has_rollback_journal, switch_to_wal

    db = current_app.extensions.get("sqlalchemy")
    in_memory = db is not None and None in db.engines and isinstance(db.engines[None].pool, StaticPool)
    # The server's own engine refuses tables of an older version.
    beside = None if db is None or in_memory else engine_beside(db, prepared=False)
    engine = current_server().database.engine if beside is None else beside
    if wal and engine.dialect.name != "sqlite":
        raise click.UsageError(f"--wal is for a SQLite file: this database is {engine.dialect.name}.")
    if beside is not None:
        check_version(engine, complete=False)
    create_tables(engine)
    if beside is not None:
        check_version(engine)
    click.echo("The gateway's tables are there.")
    if wal and has_rollback_journal(engine):
        switch_to_wal(engine)
        click.echo("The file has a write-ahead log now.")
    if beside is not None:
        beside.dispose()
