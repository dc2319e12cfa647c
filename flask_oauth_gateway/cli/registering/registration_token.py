"""`flask oauth registration-token …`: initial access tokens, with which programs register clients (RFC 7591 section 3)."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup, with_appcontext

from ...authorization_server import current_server
from ...clients.members import check_owner, read_scope
from ...config import ADMIN_SCOPE
from ...config.registration import TOKEN
from ..hints import AppOption
from ..output import as_json, print_json, print_table, visible, when

if TYPE_CHECKING:
    from ...stores.registration.registration_tokens import RegistrationToken

MAX_USES, MAX_DAYS = 10**6, 3660

registration_token = AppGroup(
    "registration-token",
    help='Make, list and revoke the tokens with which programs may register clients (OAUTH_REGISTRATION = "token").',
)


@registration_token.command("create")
@click.option("--uses", type=click.IntRange(1, MAX_USES), help="How many clients it may register; else any number.")
@click.option("--expires", type=click.IntRange(1, MAX_DAYS), metavar="DAYS", help="After how many days it ends.")
@click.option(
    "--scope",
    multiple=True,
    cls=AppOption,
    values=lambda settings: settings.app_scopes,
    help="A scope that its clients may have; repeatable. Else what OAUTH_REGISTRATION_SCOPES says.",
)
@click.option("--owner", help="The owner of its clients, a subject.")
@as_json
@with_appcontext
def create(uses: int | None, expires: int | None, scope: tuple[str, ...], owner: str | None, as_json: bool) -> None:
    """Make an initial access token. It is shown only now."""
    server = current_server()
    check_owner(owner)
    ceiling = read_scope("--scope", " ".join(scope), server.settings)
    if ADMIN_SCOPE in ceiling.split():
        raise click.ClickException(f"No client that registers itself may have {ADMIN_SCOPE}.")
    token, made = server.registration_tokens.make(
        server.settings.token_prefix,
        scope=ceiling or None,
        owner=owner,
        uses=uses,
        expires_at=None if expires is None else int(time.time()) + expires * 86400,
    )
    server.audit_trail.registration_token_changed("create", made.id, made.hint)
    if as_json:
        print_json({"token": token, **_described(made)})
        return
    click.echo(f"id:     {made.id}")
    click.echo(f"token:  {token}   (shown once)")
    if server.settings.registration != TOKEN:
        click.echo('Note: nobody is asked for it before OAUTH_REGISTRATION = "token" is set.', err=True)
    if uses is None and expires is None:
        click.echo(
            "Note: it registers any number of clients until you revoke it; --uses and --expires end it.", err=True
        )


@registration_token.command("list")
@as_json
@with_appcontext
def list_tokens(as_json: bool) -> None:
    """List the initial access tokens, used up and expired ones too."""
    found = current_server().registration_tokens.list()
    if as_json:
        print_json([_described(each) for each in found])
        return
    rows = (
        (
            each.id, f"...{each.hint}", each.state(time.time()), "any" if each.uses_left is None else each.uses_left,
            when(each.expires_at) or "never", each.owner, each.scope,
        )
        for each in found
    )  # fmt: skip
    print_table(("ID", "ENDS IN", "STATUS", "USES LEFT", "EXPIRES", "OWNER", "SCOPE"), rows)


@registration_token.command("revoke")
@click.argument("token_id", type=click.IntRange(1))
@with_appcontext
def revoke(token_id: int) -> None:
    """End an initial access token by its number (registration-token list). The clients that it has registered stay."""
    server = current_server()
    if not server.registration_tokens.revoke(token_id):
        raise click.ClickException(f"There is no token {token_id} (flask oauth registration-token list).")
    server.audit_trail.registration_token_changed("revoke", token_id)
    click.echo(f"{visible(token_id)} is revoked.")


def _described(token: RegistrationToken) -> dict[str, Any]:
    return {**asdict(token), "status": token.state(time.time())}
