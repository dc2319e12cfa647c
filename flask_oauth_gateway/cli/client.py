"""`flask oauth client …`: the client registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..clients.kinds import KINDS
from ..clients.members import ClientMetadataError
from ..clients.metadata import usual_grant_types
from ..clients.registry import ClientNotFound
from ..descriptions.records import describe_client
from ..stores.applications import APPROVED, ApplicationNotFound
from ..stores.registered_client import ORIGINS, Client
from .hints import advise, by_client_id, in_options, members_without_option
from .output import Duration, as_json, print_json, print_table, visible, when
from .registering.by_type import as_members, ask, print_first_minute, registration_by_type
from .registering.hardening_options import without_empty
from .registering.options import metadata_options, short_grant_type

client = AppGroup("client", help="Register, show, change and delete clients.")


@client.command("create")
@click.argument("client_name", required=False)
@click.option(
    "--type",
    "kind",
    type=click.Choice([*KINDS]),
    help="What it is, which says the rest: other options win over it. Asks for a name and redirect URIs that are missing.",
)
@metadata_options
@click.option("--client-id", help="Your own identifier, instead of a random one.")
@click.option("--client-secret", help="Your own secret, instead of a random one ('-' reads it from standard input).")
@click.option("--secret-expires-in", type=Duration(), help="How long the secret lives.")
@as_json
@with_appcontext
@in_options
def create(client_name: str | None, kind: str | None, as_json: bool, client_secret: str | None, **given: Any) -> None:
    """Register a client. Its secret is shown only now.

    With --type a name is enough, and for its users a --redirect-uri. Without --type, --grant and --resource-server it may
    use authorization_code and refresh_token, as far as they are on, and needs a --redirect-uri.
    """
    server = current_server()
    if client_name is None and kind is None:
        raise click.MissingParameter(param_hint="'CLIENT_NAME'", param_type="argument")
    own = {name: given.pop(name) for name in ("client_id", "secret_expires_in", "owner", "application")}
    metadata = _metadata(given)
    if kind is not None:
        client_name = client_name or ask("Its name", str, "its name before the options")
        metadata = registration_by_type(kind, metadata, server.settings)
    elif "grant_types" not in metadata and not metadata.get("resource_server"):
        metadata["grant_types"] = usual_grant_types(server.settings)
        if not (metadata["grant_types"] and metadata.get("redirect_uris")):
            others = ", ".join(map(short_grant_type, server.settings.grant_types))
            raise ClientMetadataError(
                f"Name what it may use with --grant ({others}), or a --redirect-uri for its users."
            )
    made = server.client_registry.create(
        client_name=client_name, client_secret=_from_stdin(client_secret), **own, **metadata
    )
    if kind is None:
        _print_credentials(made, as_json)
        advise(made, server.settings, is_new=not as_json)
        return
    _print_credentials(made, as_json, as_members(made, server.settings) if as_json else {})
    if not as_json:
        print_first_minute(made, server.settings)
    advise(made, server.settings, is_new=False)


@client.command("list")
@click.option("--application", help="Only those of the application with this application_id.")
@click.option(
    "--origin", type=click.Choice([*ORIGINS]), help="Only those registered by hand, by themselves, by a document."
)
@as_json
@with_appcontext
def list_clients(application: str | None, origin: str | None, as_json: bool) -> None:
    """List all clients, or those of an application or of an origin."""
    if application is not None and current_server().applications.get(application) is None:
        raise ApplicationNotFound(application)
    clients = current_server().client_registry.list(application)
    if origin is not None:
        clients = [each for each in clients if each.origin == ORIGINS[origin]]
    if as_json:
        print_json([describe_client(each) for each in clients])
        return
    own = int(any(c.is_unchecked for c in clients))  # else all of them have the same origin
    rows = (
        [c.client_id, c.client_name, _status(c), " ".join(c.grant_types), c.scope, c.origin or "hand"] for c in clients
    )
    print_table(
        ["CLIENT_ID", "NAME", "STATUS", "GRANTS", "SCOPE", "ORIGIN"][: 5 + own], (row[: 5 + own] for row in rows)
    )


@client.command("show")
@click.argument("client_id")
@as_json
@with_appcontext
@by_client_id
def show(client_id: str, as_json: bool) -> None:
    """Show one client, and the last characters and dates of its secrets."""
    found = _existing(client_id)
    if as_json:
        print_json(describe_client(found))
        return
    told = {k: v for k, v in describe_client(found).items() if k != "secrets" and v not in (None, [], {}, "")}
    widest = max(map(len, told)) + 2
    for name, value in told.items():
        click.echo(f"{(name + ':').ljust(widest)}{visible(' '.join(value) if isinstance(value, list) else value)}")
    click.echo("secrets:")
    rows = (
        ("..." + s.hint, when(s.created_at), when(s.expires_at) or "never", when(s.last_used_at)) for s in found.secrets
    )
    print_table(("  ENDS IN", "CREATED", "EXPIRES", "LAST USED"), (("  " + row[0], *row[1:]) for row in rows))


@client.command("update")
@click.argument("client_id")
@click.option("--name", "client_name", help="Its name.")
@click.option(
    "--verified/--no-verified",
    default=None,
    help="Whether users see the mark: you know who makes it, and its name and addresses are theirs.",
)
@metadata_options
@as_json
@with_appcontext
@by_client_id
@in_options
def update(client_id: str, as_json: bool, **given: Any) -> None:
    """Change what the options name; the rest stays. A list (--scope, --grant and so on) replaces the one before."""
    apart = {name: given.pop(name) for name in ("owner", "verified")}
    values = {**_metadata(given), **{name: value for name, value in apart.items() if value is not None}}
    if not values:
        raise click.UsageError("Nothing is named that is to change: an option says what.")
    changed = current_server().client_registry.update(client_id, **values)
    if as_json:
        print_json(describe_client(changed))
    else:
        click.echo(f"{visible(client_id)} is changed.")
    advise(changed, current_server().settings, is_new=False)


@client.command("rotate-secret")
@click.argument("client_id")
@click.option("--overlap", type=Duration(), default=0, help="How long the old secrets live on; 0 ends them now.")
@click.option("--expires-in", type=Duration(), help="How long the new secret lives.")
@click.option("--client-secret", help="Your own secret, instead of a random one ('-' reads it from standard input).")
@as_json
@with_appcontext
@by_client_id
def rotate_secret(
    client_id: str, overlap: int, expires_in: int | None, client_secret: str | None, as_json: bool
) -> None:
    """Give a client a new secret. The secret is shown only now."""
    registry = current_server().client_registry
    changed = registry.rotate_secret(
        client_id, overlap, expires_in=expires_in, client_secret=_from_stdin(client_secret)
    )
    _print_credentials(changed, as_json)


@client.command("enable")
@click.argument("client_id")
@with_appcontext
@by_client_id
def enable(client_id: str) -> None:
    """Let a disabled client work again."""
    changed = current_server().client_registry.update(client_id, enabled=True)
    if changed.enabled:
        click.echo(f"{visible(client_id)} is enabled.")
    else:
        click.echo(
            f"{visible(client_id)} is switched on, and works once its application {visible(changed.application)},"
            f" which is {changed.application_status}, is approved."
        )


@client.command("disable")
@click.argument("client_id")
@with_appcontext
@by_client_id
def disable(client_id: str) -> None:
    """Stop a client and all its tokens at once. Nothing is deleted."""
    current_server().client_registry.update(client_id, enabled=False)
    click.echo(f"{visible(client_id)} is disabled.")


@client.command("delete")
@click.argument("client_id")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_appcontext
@by_client_id
def delete(client_id: str, yes: bool) -> None:
    """Delete a client. Its tokens stop at once."""
    found = _existing(client_id)
    if not yes:
        click.confirm(
            f"Delete {visible(found.client_name or client_id)}, its secrets, consents and tokens?", abort=True
        )
    current_server().client_registry.delete(client_id)
    click.echo(f"{visible(client_id)} is deleted.")


def _metadata(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as a client's registration."""
    if given.pop("public"):
        given["token_endpoint_auth_method"] = "none"
    for name in ("jwks", "certificate"):
        if given[name] is not None:
            given[name] = given[name].read()
    for name in ("attributes", "jwks", "metadata"):
        if given[name] is not None:
            try:
                given[name] = json.loads(given[name])
            except (ValueError, RecursionError) as error:
                raise ClientMetadataError(f"--{name} is a JSON object ({error}).") from error
    for name in ("scope", "default_scope"):
        given[name] = " ".join(given[name]) or None
    others = members_without_option(given.pop("metadata"))
    named = {name: value for name, value in given.items() if value not in (None, ())}
    return {**others, **without_empty(named)}


def _existing(client_id: str) -> Client:
    found = current_server().client_registry.get(client_id)
    if found is None:
        raise ClientNotFound(client_id)
    return found


def _status(client: Client) -> str:
    if client.application_status not in (None, APPROVED):
        return f"application {client.application_status}"
    return "enabled" if client.enabled else "disabled"


def _from_stdin(secret: str | None) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if secret == "-" else secret


def _print_credentials(client: Client, as_json: bool, further: Mapping[str, Any] = MappingProxyType({})) -> None:
    if as_json:
        own = {"client_id": client.client_id, "client_secret": client.client_secret}
        print_json({**own, **describe_client(client), **further})
        return
    click.echo(f"client_id:     {visible(client.client_id)}")
    if client.client_secret is not None:
        click.echo(f"client_secret: {client.client_secret}   (shown once)")
