"""The options that describe a client, of `client create` and `client update`."""

from __future__ import annotations

from typing import Any

import click

from ...features import GRANTS, METHODS, OLD_GRANTS
from ..hints import AppOption
from ..output import Duration
from .hardening_options import HARDENING_OPTIONS


def short_grant_type(grant_type: str) -> str:
    """A grant type as people type it: `device_code` for its URN."""
    return grant_type.rpartition(":")[2].replace("-", "_") if grant_type.startswith("urn:") else grant_type


GRANT_NAMES = ", ".join(map(short_grant_type, GRANTS))
OLD = " and ".join(map(short_grant_type, OLD_GRANTS))

METADATA_OPTIONS = (
    click.option(
        "--grant",
        "grant_types",
        multiple=True,
        cls=AppOption,
        values=lambda settings: map(short_grant_type, settings.grant_types),
        help=f"A grant that it may use; repeatable: {GRANT_NAMES}. OAuth 2.1 leaves out {OLD}.",
    ),
    click.option(
        "--scope",
        "scope",
        multiple=True,
        cls=AppOption,
        values=lambda settings: settings.scopes,
        help="A scope that it may have; repeatable.",
    ),
    click.option(
        "--default-scope",
        multiple=True,
        cls=AppOption,
        values=lambda settings: settings.scopes,
        help="A scope that it gets where it asks for none.",
    ),
    click.option("--redirect-uri", "redirect_uris", multiple=True, help="Where it sends users back to."),
    click.option(
        "--auth-method",
        "token_endpoint_auth_method",
        cls=AppOption,
        values=lambda settings: settings.client_auth_methods,
        help=f"How it proves who it is: {', '.join(METHODS)}.",
    ),
    click.option("--public", is_flag=True, help="A client that can't keep a secret: --auth-method none."),
    click.option("--access-token-lifetime", type=Duration(), help="Seconds, or 15m, 12h, 30d."),
    click.option(
        "--access-token-format",
        type=click.Choice(["opaque", "jwt"]),
        help="The format of its access tokens, instead of OAUTH_ACCESS_TOKEN_FORMAT.",
    ),
    click.option("--resource-server", is_flag=True, default=None, help="It may introspect every token."),
    click.option("--skip-consent", is_flag=True, default=None, help="Don't ask its users: only for your own apps."),
    click.option("--application", help="The application_id of its application (update: '' removes it)."),
    click.option(
        "--plan",
        cls=AppOption,
        values=lambda settings: settings.plans,
        help="Its plan, from OAUTH_PLANS (update: '' removes it).",
    ),
    click.option("--owner", help="The owner, a subject."),
    click.option("--contact", "contacts", multiple=True, help="An address of its developers."),
    click.option("--client-uri", help="Its home page."),
    click.option("--attributes", help="Custom attributes, a JSON object."),
    click.option("--metadata", help="Members that no option names, a JSON object: '{\"require_pkce\": false}'."),
    click.option(
        "--jwks", type=click.File(), help="The file of its public keys, a key set in JSON ('-': standard input)."
    ),
    click.option("--jwks-uri", help="The URL of its key set."),
    click.option("--certificate", type=click.File(), help="The file of its X.509 certificate, PEM."),
    *HARDENING_OPTIONS,
)


def metadata_options(command: Any) -> Any:
    """The options that describe a client."""
    for option in reversed(METADATA_OPTIONS):
        command = option(command)
    return command
