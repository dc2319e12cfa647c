"""`flask oauth application …`: partners' applications, each with any number of clients."""

from __future__ import annotations

import json
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..clients.members import ClientMetadataError
from ..descriptions.records import describe_application
from ..stores.applications import APPROVED, PENDING, STATUSES, Application, ApplicationNotFound
from .hints import AppOption, by_application_id
from .output import as_json, print_json, print_table, visible

application = AppGroup("application", help="Register, approve, revoke and delete applications, which have clients.")
PAGE = 1000


def application_options(command: Any) -> Any:
    """The options that describe an application."""
    for option in (
        click.option("--attributes", help="Custom attributes, a JSON object, for clients that have none of their own."),
        click.option(
            "--plan",
            cls=AppOption,
            values=lambda settings: settings.plans,
            help="The plan of clients that have none of their own (update: '' removes it).",
        ),
        click.option("--owner", help="The owner, a subject."),
    ):
        command = option(command)
    return command


@application.command("create")
@click.argument("name")
@application_options
@click.option("--application-id", help="Your own identifier, instead of a random one.")
@click.option("--pending", is_flag=True, help="Its clients don't work until it is approved.")
@as_json
@with_appcontext
def create(name: str, as_json: bool, pending: bool, application_id: str | None, **given: Any) -> None:
    """Register an application. `flask oauth client create --application` makes its clients."""
    status = PENDING if pending else APPROVED
    registry = current_server().application_registry
    made = registry.create(name, application_id=application_id, status=status, **_values(given))
    _print(made, as_json, f"application_id: {made.application_id}")


@application.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those with this status.")
@click.option("--owner", help="Only those of this owner, a subject.")
@as_json
@with_appcontext
def list_applications(as_json: bool, **filters: Any) -> None:
    """List all applications, or those that fit the options."""
    registry = current_server().application_registry
    found: list[Application] = []
    page = registry.find(**filters, limit=PAGE)
    found += page.applications
    while page.next is not None:
        page = registry.find(**filters, after=page.next, limit=PAGE)
        found += page.applications
    if as_json:
        print_json([describe_application(each) for each in found])
        return
    rows = ((a.application_id, a.name, a.status, a.owner, a.plan) for a in found)
    print_table(("APPLICATION_ID", "NAME", "STATUS", "OWNER", "PLAN"), rows)


@application.command("show")
@click.argument("application_id")
@as_json
@with_appcontext
@by_application_id
def show(application_id: str, as_json: bool) -> None:
    """Show one application, and its clients."""
    found = current_server().application_registry.get(application_id)
    if found is None:
        raise ApplicationNotFound(application_id)
    clients = current_server().client_registry.list(application_id)
    if as_json:
        print_json({**describe_application(found), "clients": [each.client_id for each in clients]})
        return
    for name, value in describe_application(found).items():
        if value not in (None, {}):
            click.echo(f"{name + ':':28}{visible(value)}")
    click.echo("clients:")
    rows = (("  " + each.client_id, each.client_name, "" if each.switched_on else "disabled") for each in clients)
    print_table(("  CLIENT_ID", "NAME", ""), rows)


@application.command("update")
@click.argument("application_id")
@click.option("--name", help="Its name.")
@application_options
@as_json
@with_appcontext
@by_application_id
def update(application_id: str, as_json: bool, **given: Any) -> None:
    """Change what the options name; the rest stays."""
    values = _values(given)
    if not values:
        raise click.UsageError("Nothing is named that is to change: an option says what.")
    changed = current_server().application_registry.update(application_id, **values)
    _print(changed, as_json, f"{application_id} is changed.")


@application.command("approve")
@click.argument("application_id")
@as_json
@with_appcontext
@by_application_id
def approve(application_id: str, as_json: bool) -> None:
    """Approve an application: its clients work, except those that are disabled themselves."""
    changed = current_server().application_registry.approve(application_id)
    _print(changed, as_json, f"{application_id} is approved.")


@application.command("revoke")
@click.argument("application_id")
@as_json
@with_appcontext
@by_application_id
def revoke(application_id: str, as_json: bool) -> None:
    """Revoke an application: its clients and all their tokens stop at once. Nothing is deleted."""
    changed = current_server().application_registry.revoke(application_id)
    _print(changed, as_json, f"{application_id} is revoked.")


@application.command("delete")
@click.argument("application_id")
@click.option("--with-clients", is_flag=True, help="Delete its clients too, with their secrets, consents and tokens.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_appcontext
@by_application_id
def delete(application_id: str, with_clients: bool, yes: bool) -> None:
    """Delete an application. One that has clients can only be deleted with them."""
    registry = current_server().application_registry
    found = registry.get(application_id)
    if found is None:
        raise ApplicationNotFound(application_id)
    if not yes:
        click.confirm(f"Delete {visible(found.name)}{' and its clients' if with_clients else ''}?", abort=True)
    registry.delete(application_id, with_clients=with_clients)
    click.echo(f"{visible(application_id)} is deleted.")


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as an application's values."""
    if given["attributes"] is not None:
        try:
            given["attributes"] = json.loads(given["attributes"])
        except (ValueError, RecursionError) as error:
            raise ClientMetadataError(f"--attributes is a JSON object ({error}).") from error
    return {name: value for name, value in given.items() if value is not None}


def _print(found: Application, as_json: bool, line: str) -> None:
    if as_json:
        print_json(describe_application(found))
    else:
        click.echo(visible(line))
