"""`flask oauth session …`: ends users' sessions at clients (`OAUTH_OIDC`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from .output import as_json, print_json

if TYPE_CHECKING:
    from ..oidc.sessions import Sessions

session = AppGroup("session", help="End users' sessions at the clients at which they signed in by OpenID Connect.")


@session.command("end")
@click.option("--subject", help="Those of this user.")
@click.option("--sid", help="The one with this sid, as the ID token has it.")
@as_json
@with_appcontext
def end(subject: str | None, sid: str | None, as_json: bool) -> None:
    """End a user's sessions, or one. Their tokens end, save those that were allowed with offline_access; clients are told."""
    if subject is None and sid is None:
        raise click.ClickException("Name --subject or --sid.")
    count = sessions().end(subject=subject, sid=sid, by="the command line")
    if as_json:
        print_json({"ended": count})
    else:
        click.echo(f"{count} ended.")


def sessions() -> Sessions:
    """The app's sessions. Raises `ClickException` where there are none."""
    server = current_server()
    if not server.settings.oidc:
        raise click.ClickException("There are no sessions without OpenID Connect: set OAUTH_OIDC = True.")
    return server.openid.sessions
