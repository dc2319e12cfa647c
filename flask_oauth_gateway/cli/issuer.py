"""`flask oauth issuer …`: shows the issuers that are trusted, and why an assertion or a token is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from flask import current_app, request
from flask.cli import AppGroup, with_appcontext

from ..assertions.assertion import AssertionRefused
from ..clients.registry import ClientNotFound
from ..config.checks import full_grant_type
from ..errors import InvalidClient, InvalidToken, OAuth2Error, TemporarilyUnavailable
from ..resource_server import any_server
from ..tokens.reading import is_jwt
from ..web.request import OAuthRequest, Payload
from .access_token import is_access_token, is_assertion
from .output import as_json, print_json, print_table, visible, when

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..grants.assertion import Checked
    from ..resource_server import Server
    from ..stores.registered_client import Client

issuer = AppGroup("issuer", help="Show who is trusted, and try an assertion or another server's access token.")


@issuer.command("list")
@as_json
@with_appcontext
def list_issuers(as_json: bool) -> None:
    """List the issuers of the configuration, and the clients that sign for themselves, with their keys.

    This fetches keys that are at a URL, and tries introspection endpoints with a token that doesn't exist.
    """
    from ..descriptions.issuers import describe_issuers  # imported here, as it loads the cryptography

    found = describe_issuers(any_server())
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo(
            "Nobody is trusted: OAUTH_JWT_ISSUERS, OAUTH_SAML_ISSUERS, or a client with a key and the grant; for access"
            " tokens OAUTH_TRUSTED_TOKEN_ISSUERS."
        )
    for number, each in enumerate(found):
        click.echo(f"{chr(10) if number else ''}{visible(each['issuer'])}  ({each['kind']})")
        for name in ("source", "problem", "client_id", "scopes", "audience", "recipient", "max_lifetime", "algorithms"):
            value = each.get(name)
            if value is not None:
                click.echo(f"  {name + ':':14}{visible(' '.join(value) if isinstance(value, list) else value)}")
        _print_keys(each["keys"])


def _print_keys(keys: list[dict[str, Any]]) -> None:
    rows = [
        (
            f"  {key.get('kid') or '-'}",
            key["type"],
            " ".join(key["algorithms"]),
            key.get("subject"),
            when(key.get("expires_at")) + (" (expired)" if key.get("expired") else ""),
            key.get("fingerprint"),
        )
        for key in keys
    ]
    if rows:
        print_table(("  KID", "TYPE", "ALGORITHMS", "CERTIFICATE OF", "EXPIRES", "SHA-256"), rows)


@issuer.command("check")
@click.argument("assertion")
@click.option("--client", "client_id", help="The client that brings it, as if it had authenticated.")
@click.option("--scope", help="The scopes that the request asks for.")
@click.option("--url", help="The server's address, where OAUTH_ISSUER isn't set.")
@with_appcontext
def check(assertion: str, client_id: str | None, scope: str | None, url: str | None) -> None:
    """Check ASSERTION: the assertion itself, the path of a file that holds it, or '-' to read it from standard input.

    The answer says which check fails, what was expected and what was there. The assertion is not spent: no token is
    given, and it can still be used. ASSERTION may also be an access token of a server that OAUTH_TRUSTED_TOKEN_ISSUERS
    names; it is checked as a protected view would check it.
    """
    server, (text, is_read) = any_server(), _read(assertion)
    if not text:
        raise click.ClickException("There is no assertion: what was given is empty.")
    no_file = "" if is_read else "there is no such file, and "
    if is_access_token(server, text):
        with current_app.test_request_context(base_url=url):
            _print_access_token(server, text, no_file if _is_like_a_path(text) else "")
        return
    if not is_assertion(text):
        raise _refused(f"{no_file}the text is no assertion: neither a JWT nor SAML's XML in base64url")
    kind = "jwt_bearer" if text.count(".") == 2 else "saml2_bearer"
    grant_type = full_grant_type(kind)
    grant = cast("AuthorizationServer", server).grants.get(grant_type)
    if grant is None:
        raise click.ClickException(f"This is for the grant {kind}, which is not on: add it to OAUTH_GRANT_TYPES.")
    caller = None if client_id is None else _client(cast("AuthorizationServer", server), client_id)
    sent = {"grant_type": grant_type, "assertion": text, **({} if scope is None else {"scope": scope})}
    with current_app.test_request_context(f"{server.settings.url_prefix}/token", method="POST", base_url=url):
        form = OAuthRequest(request, sent, Payload([*sent.items()]))
        try:
            checked: Checked = grant.check(form, text, caller)
        except AssertionRefused as error:
            raise _refused(str(error)) from error
        except InvalidClient as error:
            why = "its issuer's entry names no client_id, so a client must bring it: name that one with --client"
            raise _refused(why) from error
        except OAuth2Error as error:
            raise _refused(f"{error.error}, {str(error.description).rstrip('.')}") from error
        if cast("AuthorizationServer", server).once.is_claimed(checked.assertion.replay_key):
            raise _refused("it was used before")
    _print_accepted(checked)


def _print_accepted(checked: Checked) -> None:
    assertion = checked.assertion
    click.echo("Accepted: it is good for a token, and was not used.")
    for name, value in (
        ("issuer", assertion.issuer),
        ("subject", "none, the client speaks for itself" if checked.subject is None else checked.subject),
        ("client_id", checked.client.client_id),
        ("scope", " ".join(checked.scopes)),
        ("good until", when(assertion.expires_at)),
        ("attributes", ", ".join(f"{name}={' '.join(values)}" for name, values in assertion.attributes.items())),
    ):
        if value:
            click.echo(f"  {name + ':':12}{visible(value)}")


def _print_access_token(server: Server, text: str, no_file: str) -> None:
    try:
        token = server.validators.validate(text)
    except TemporarilyUnavailable as error:
        raise click.ClickException(f"Nobody can tell: {visible(error.description)}") from error
    except InvalidToken as error:
        raise _refused(no_file + (error.reason or str(error.description)).rstrip(".")) from error
    if token.confirmation and server.binding is None:
        raise _refused(f"{no_file}it is bound to a key, and proofs of that are not taken here (OAUTH_DPOP, OAUTH_MTLS)")
    with_proof = ", with the proof of its key" if token.confirmation else ""
    click.echo(f"Accepted: protected views take it{with_proof}, with this in current_token.")
    for name, value in (
        ("issuer", token.issuer),
        ("client_id", token.client_id or "not named"),
        ("subject", "none, the client speaks for itself" if token.subject is None else token.subject),
        ("scope", token.scope),
        ("audience", " ".join(token.audience)),
        ("grant_type", token.grant_type),
        ("bound to", ", ".join(f"{name} {value}" for name, value in token.confirmation.items())),
        ("good until", when(token.exp)),
        ("attributes", json.dumps(token.attributes) if token.attributes else ""),
    ):
        if value:
            click.echo(f"  {name + ':':12}{visible(value)}")


def _refused(reason: str) -> click.ClickException:
    return click.ClickException(f"Refused: {visible(reason)}.")


def _client(server: AuthorizationServer, client_id: str) -> Client:
    client = server.client_registry.get(client_id)
    if client is None:
        raise ClientNotFound(client_id)
    if not client.enabled:
        raise _refused(f"the client {client_id!r} is disabled")
    return client


def _read(assertion: str) -> tuple[str, bool]:
    """The assertion, and whether it was read: from standard input or a file; else it is as it was given."""
    if assertion == "-":
        return sys.stdin.read().strip(), True
    try:
        path = Path(assertion)
        if path.is_file():
            return path.read_text(encoding="utf-8").strip(), True
    except (OSError, ValueError):  # the text is too long for a path, so it is an assertion
        pass
    return assertion.strip(), False


def _is_like_a_path(text: str) -> bool:
    """Whether a text is hardly an access token, which may be any other text."""
    return not is_jwt(text) and ("/" in text or Path(text).suffix != "")
