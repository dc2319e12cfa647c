"""What the command line says to help: the values that options take, who is meant by a name, what is odd, what comes next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from flask.cli import ScriptInfo

from ..authorization_server import current_server
from ..clients.members import ClientMetadataError, check_object
from ..clients.members.hardening import ALWAYS_BOUND, NEEDED_SETTING, ONLY_WAY, is_off
from ..clients.members.openid import OF_OAUTH_TOO, OPENID_MEMBERS
from ..clients.metadata import REDIRECTING_GRANTS, grants_that_are_off
from ..clients.registry import ClientNotFound
from ..descriptions.ready.first_requests import first_requests, urls_below
from ..errors import shown
from ..stores.applications import ApplicationNotFound
from ..stores.registered_client import DEFAULTS
from ..web.environ import SERVER
from .output import visible

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client

DEVELOPMENT = "http://127.0.0.1:5000"  # where `flask run` serves, unless it is told otherwise
MOST_VALUES = 40
MOST_OFFERS = 3
#: The name of a member in an error; what is quoted was given, and a single word may be meant as such.
_MEMBER = re.compile(r"(?<![\w'\"-])(?:jwks|[a-z]+(?:_[a-z]+)+)(?![\w'\"])")


class AppOption(click.Option):
    """An option whose values depend on the app's settings: `--help` lists them."""

    def __init__(self, *names: Any, values: Callable[[Settings], Iterable[str]], **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.values = values

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record, info = super().get_help_record(ctx), ctx.find_object(ScriptInfo)
        if record is None or info is None:
            return record
        found = list(self.values(info.load_app().extensions[SERVER].settings))
        more = ", ..." if len(found) > MOST_VALUES else ""
        return record[0], f"{record[1]} Here: {visible(', '.join(found[:MOST_VALUES])) or 'none'}{more}."


def check_client(client_id: str | None) -> None:
    """Raises `ClientNotFound`: a mistyped name must not look like a client that has nothing."""
    if client_id is not None and current_server().client_registry.get(client_id) is None:
        raise ClientNotFound(client_id)


def by_client_id(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command for one client. Where there is no such `client_id`, it offers those of the clients with this name."""

    @wraps(command)
    def run(client_id: str, **given: Any) -> Any:
        try:
            return command(client_id=client_id, **given)
        except ClientNotFound as error:
            found = current_server().client_registry.find(client_id, limit=MOST_OFFERS).clients
            raise _with_offers(error, ((each.client_id, each.client_name) for each in found)) from error

    return run


def by_application_id(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, of a command for one application."""

    @wraps(command)
    def run(application_id: str, **given: Any) -> Any:
        try:
            return command(application_id=application_id, **given)
        except ApplicationNotFound as error:
            found = current_server().application_registry.find(application_id, limit=MOST_OFFERS).applications
            raise _with_offers(error, ((each.application_id, each.name) for each in found)) from error

    return run


def in_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that registers what its options say: an error names these options, not the members of a registration."""

    @wraps(command)
    def run(**given: Any) -> Any:
        try:
            return command(**given)
        except ClientMetadataError as error:
            options = click.get_current_context().command.params
            names = {each.name: each.opts[0] for each in options if isinstance(each, click.Option) and each.name}
            message = _MEMBER.sub(lambda found: names.get(found[0], found[0]), str(error))
            raise ClientMetadataError(message, error.error) from error

    return run


def _with_offers(error: Exception, found: Iterator[tuple[str, str | None]]) -> click.ClickException:
    offers = [f"{name} ({shown(called, 60)})" for name, called in found]
    return click.ClickException(f"{error} Is it {' or '.join(offers)}?" if offers else str(error))


def advise(client: Client, settings: Settings, *, is_new: bool) -> None:
    """Print the notes about a client, and for a new one the next command. All of it goes to standard error."""
    for note in notes_of(client, settings):
        click.echo(visible(f"Note: {note}"), err=True)
    if is_new:
        for line in next_steps(client, settings):
            click.echo(visible(line), err=True)


def notes_of(client: Client, settings: Settings) -> Iterator[str]:
    """What may be registered, and is hardly meant."""
    yield from grants_that_are_off(client.grant_types, settings)
    if client.redirect_uris and not REDIRECTING_GRANTS.intersection(client.grant_types):
        yield "no grant of this client uses its redirect URIs: authorization_code would."
    for uri in client.redirect_uris:
        if "*" in uri:
            yield f"the * in {uri} stands for itself: redirect URIs are compared letter by letter. Register each one."
    if client.grant_types == ["refresh_token"] or set(client.grant_types) == {"refresh_token", "client_credentials"}:
        yield "refresh_token is of no use to this client: only grants with a user give refresh tokens."
    given = [name for name in OPENID_MEMBERS if name not in OF_OAUTH_TOO and getattr(client, name) != DEFAULTS[name]]
    if given and not settings.oidc:
        yield _no_effect(given, "oidc")
    for setting in dict.fromkeys(NEEDED_SETTING.values()):
        given = [
            name for name, needed in NEEDED_SETTING.items() if needed == setting and _is_idle(client, name, settings)
        ]
        for name in ALWAYS_BOUND.intersection(given):
            yield f"{name} keeps this client from every token without OAUTH_{setting.upper()}: nothing else could bind it."
        for name in ONLY_WAY.intersection(given):
            yield f"{name} refuses every authorization request of this client without OAUTH_{setting.upper()}."
        given = [name for name in given if name not in ALWAYS_BOUND | ONLY_WAY]
        if given:
            yield _no_effect(given, setting)


def _is_idle(client: Client, name: str, settings: Settings) -> bool:
    return is_off(name, settings) and getattr(client, name) != DEFAULTS[name]


def _no_effect(names: list[str], setting: str) -> str:
    return f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no effect without OAUTH_{setting.upper()}."


def next_steps(client: Client, settings: Settings) -> Iterator[str]:
    """What to type next, for the first of the client's grants that is on; curl asks for the secret itself."""
    unknown = client.with_secret(None)
    first, *others = first_requests(
        unknown, settings, urls_below((settings.issuer or DEVELOPMENT) + settings.url_prefix)
    )
    if not first.line:
        yield f"Next: flask oauth client show {shlex.quote(client.client_id)}"
    elif first.is_address:
        yield f"Next: open {first.line}"
        yield from (f"Then: {step.line}" for step in others)
    else:
        asks = " (curl asks for the secret)" if first.line.startswith("curl -u") else ""
        yield f"Next{asks}: {first.line}"


def members_without_option(metadata: Any) -> dict[str, Any]:
    """What `--metadata` holds: members of a registration that have no option. Raises `ClientMetadataError`."""
    found = {} if metadata is None else check_object("--metadata", metadata)
    known = (*OPENID_MEMBERS, "logo_uri", "policy_uri", "tos_uri", "software_id", "software_version")
    for name in found:
        if name not in known:
            raise ClientMetadataError(f"--metadata names {shown(name)}; it may be {', '.join(known)}.")
    return found
