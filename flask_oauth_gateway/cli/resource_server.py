"""The command line of a resource server, an app that only checks tokens."""

from __future__ import annotations

from flask.cli import AppGroup

from .issuer import issuer
from .output import OAuthGroup
from .routes import routes


def make_resource_server_cli() -> AppGroup:
    """The `oauth` group of a resource server: what its routes ask for, and whose tokens it takes."""
    group = OAuthGroup(
        "oauth", help="The OAuth gateway, in an app that only checks tokens: routes and trusted issuers."
    )
    for command in (issuer, routes):
        group.add_command(command)
    return group
