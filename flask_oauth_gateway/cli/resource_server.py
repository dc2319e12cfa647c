"""The command line of a resource server, an app that only checks tokens."""

from __future__ import annotations

from flask.cli import AppGroup

from .doctor import doctor
from .issuer import issuer
from .output import OAuthGroup
from .routes import routes


def make_resource_server_cli() -> AppGroup:
    """The `oauth` group of a resource server: what its routes ask for, whose tokens it takes, and what is in MCP clients' way."""
    group = OAuthGroup(
        "oauth", help="The OAuth gateway, in an app that only checks tokens: routes and trusted issuers."
    )
    for command in (issuer, routes, doctor):
        group.add_command(command)
    return group
