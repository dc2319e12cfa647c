"""`flask oauth …`: the command line. One file a noun; `run` is how each command ends: 0, or 1 with one line on stderr."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from ..globals import current_state
from .audit import audit
from .client import client
from .doctor import doctor
from .issuer import issuer
from .key import key
from .output import OAuthGroup
from .token import token


def make_cli() -> AppGroup:
    """The `oauth` group of an app's command line."""
    group = OAuthGroup("oauth", help="The OAuth gateway: clients, tokens, keys, issuers, audit trail, database.")
    for command in (client, token, key, issuer, audit, doctor, init_db):
        group.add_command(command)
    return group


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Make the gateway's tables that are missing."""
    from ..stores.connect import create_tables

    create_tables(current_state().database.engine)
    click.echo("The gateway's tables are there.")
