"""`flask oauth …`: the command line, one file a noun. A command ends with status 0, or with 1 and one line on stderr."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from .output import OAuthGroup


def make_cli() -> AppGroup:
    """The `oauth` group of an app's command line. A resource server has another group, and loads none of these files."""
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
    """Make those of the gateway's tables that are missing."""
    from ..authorization_server import current_server
    from ..database.connect import create_tables

    create_tables(current_server().database.engine)
    click.echo("The gateway's tables are there.")
