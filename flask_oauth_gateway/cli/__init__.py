"""`flask oauth …`: the command line. One file a noun; `run` is how each command ends: 0, or 1 with one line on stderr."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from .output import OAuthGroup


def make_cli() -> AppGroup:
    """The `oauth` group of an app's command line; one that only checks tokens has another, and loads none of these."""
    from .application import application
    from .audit import audit
    from .client import client
    from .doctor import doctor
    from .explain import explain_request
    from .importing import export_clients, import_clients
    from .issuer import issuer
    from .key import key
    from .routes import routes
    from .token import token

    group = OAuthGroup(
        "oauth", help="The OAuth gateway: clients, applications, tokens, keys, issuers, audit trail, database."
    )
    for command in (import_clients, export_clients):
        client.add_command(command)
    for command in (client, application, token, key, issuer, audit, doctor, explain_request, routes, init_db):
        group.add_command(command)
    return group


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Make the gateway's tables that are missing."""
    from ..authorization_server import current_server
    from ..database.connect import create_tables

    create_tables(current_server().database.engine)
    click.echo("The gateway's tables are there.")
