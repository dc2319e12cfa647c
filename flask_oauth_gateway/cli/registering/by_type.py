"""`client create --type`: what an app is says how its client is registered, and what to type for a first token."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...clients.kinds import KINDS, registration_of
from ...clients.members import ClientMetadataError, check_redirect_uri
from ...clients.metadata import REDIRECTING_GRANTS
from ...descriptions.ready.first_requests import Step, discovery_url, first_requests, urls_below
from ..hints import DEVELOPMENT
from ..output import visible

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client

Value = TypeVar("Value")


def registration_by_type(name: str, given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What a kind is registered with, and what was given, which wins. Asks for redirect URIs that are missing.

    Raises `ClientMetadataError` for a kind that this server can't have.
    """
    found = registration_of(name, settings) | given
    grants = found["grant_types"]
    if "response_types" not in given and "authorization_code" not in grants:
        found.pop("response_types", None)
    if REDIRECTING_GRANTS.intersection(grants) and not found.get("redirect_uris"):
        example = KINDS[name].example or KINDS["web"].example

        def read(text: str) -> list[str]:
            try:
                return [check_redirect_uri(each, settings.redirect_schemes) for each in text.split()]
            except ClientMetadataError as error:
                raise click.BadParameter(str(error)) from error

        question = f"Redirect URIs, with spaces between them, such as {example}"
        found["redirect_uris"] = ask(question, read, "a --redirect-uri for its users")
    return found


def ask(question: str, read: Callable[[str], Value], otherwise: str) -> Value:
    """The answer from the terminal, asked for on standard error. Raises `ClientMetadataError` where there is no terminal."""
    if not sys.stdin.isatty():
        raise ClientMetadataError(f"Nobody can be asked here: give {otherwise}.")
    answer: Value = click.prompt(question, value_proc=read, err=True)
    return answer


def first_minute(client: Client, settings: Settings) -> tuple[str, list[Step]]:
    """Where the server's metadata are, and the client's first requests, with its secret where it is new."""
    issuer = settings.issuer or DEVELOPMENT
    return discovery_url(issuer, settings), first_requests(client, settings, urls_below(issuer + settings.url_prefix))


def print_first_minute(client: Client, settings: Settings) -> None:
    """Print them. The lines stand each for itself, so that they can be copied."""
    discovery, steps = first_minute(client, settings)
    click.echo(f"discovery:     {visible(discovery)}")
    for step in steps:
        click.echo(f"\n{step.sentence}{':' if step.line else ''}")
        if step.line:
            click.echo(visible(step.line))


def as_members(client: Client, settings: Settings) -> dict[str, Any]:
    """The same, for `--json`."""
    discovery, steps = first_minute(client, settings)
    return {"discovery_url": discovery, "first_requests": [step.line for step in steps if step.line]}
