"""`docs/api.md`: the public Python names, with their types and docstrings, which are Markdown."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from typing import Any

import flask_oauth_gateway as package
from flask_oauth_gateway import testing
from flask_oauth_gateway.assertions.assertion import Assertion
from flask_oauth_gateway.authorization.request import Authorization
from flask_oauth_gateway.clients.applications import ApplicationRegistry
from flask_oauth_gateway.clients.registry import ClientPage, ClientRegistry
from flask_oauth_gateway.extension import OAuthGateway
from flask_oauth_gateway.hooks import Hooks
from flask_oauth_gateway.languages import choose_language
from flask_oauth_gateway.mcp import TokenVerifier
from flask_oauth_gateway.oidc.sessions import SessionPage, Sessions
from flask_oauth_gateway.protection.require_token import requirement
from flask_oauth_gateway.stores.applications import Application
from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.tokens.access_token import AccessToken
from flask_oauth_gateway.tokens.registry import TokenPage, TokenRegistry
from flask_oauth_gateway.users.accounts import SignInRequest

HEAD = """\
<!-- Written by docs/generate.py from the docstrings. Change it there. -->

# Python

What `flask_oauth_gateway` offers in code. `gateway` is an app's `OAuthGateway`, which is in
`app.extensions["oauth_gateway"]` too. Names that aren't here, and those that begin with an underscore, may change any day.
Hooks and signals have [a page of their own](hooks-and-signals.md), and so have the [errors](errors.md) that clients get.
"""

#: What `AccessToken` sets itself; its properties have docstrings.
TOKEN = {
    "client_id": ("str", "The client that it was given to."),
    "subject": ("str | None", "Its user; `None` where no user takes part."),
    "scopes": ("frozenset[str]", "Its scopes."),
    "scope": ("str", "The same, as one text with spaces."),
    "audience": ("tuple[str, ...]", "The resources that it is meant for (RFC 8707)."),
    "grant_type": ("str", "The grant that it came by."),
    "attributes": ("Mapping[str, Any]", "The custom attributes kept with it."),
    "token_id": ("str", "What it is called in lists and in the audit trail; not the token itself."),
    "issuer": ("str | None", "The other server that issued it; `None`: this one."),
    "plan": ("str | None", "The plan of its client, where `OAUTH_PLANS` is set."),
    "refusal": ("str | None", "Why it is no longer good, of a token in a list."),
}

INTERNAL_SESSIONS = {"end_at_sign_out", "is_of_browser", "put_back", "sid_for", "subject_of", "to_keep"}
#: Members of these are for the package itself.
INTERNAL = {
    Client: {"key", "version", "switched_on", "application_status", "application_plan", "application_attributes"},
    Application: {"key", "version"},
    Assertion: {"replay_key"},
    Authorization: {"redirect_uri_sent"},
}


class Bare(str):
    """An annotation without quotes around it."""

    __slots__ = ()
    __repr__ = str.__str__


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *sections()])


def sections() -> Iterator[str]:
    yield "## The extension\n"
    yield entry("OAuthGateway", OAuthGateway)
    for name in ("init_app", "protect", "resource", "wsgi", "asgi", "close"):
        yield entry(f"gateway.{name}", getattr(OAuthGateway, name))
    for name in ("clients", "applications", "tokens", "sessions", "settings"):
        yield attribute(f"gateway.{name}", getattr(OAuthGateway, name))
    for name in ("device_qr", "openapi_security_schemes", "openapi_security", "add_openapi_security"):
        yield entry(f"gateway.{name}", getattr(OAuthGateway, name))
    yield "### `current_gateway`\n\nThe `OAuthGateway` of the current app.\n"
    hooks = ", ".join(f"`@gateway.{field.name}`" for field in fields(Hooks))
    yield f"Hooks, each a decorator: {hooks}. See [Hooks and signals](hooks-and-signals.md).\n"

    yield "## Protected views\n"
    yield entry("require_token", package.require_token, signature_of=requirement, returns="decorator")
    yield "### `current_token`\n\nThe token that `@require_token` verified for this request; falsy where there is none.\n"
    yield table([(name, *row) for name, row in TOKEN.items()] + list(properties(AccessToken)))

    yield "## MCP servers\n\n`flask_oauth_gateway.mcp`, which needs the package `mcp`.\n"
    yield entry("TokenVerifier", TokenVerifier)
    yield entry("TokenVerifier.verify_token", TokenVerifier.verify_token)

    yield "## Clients\n"
    yield from registry("gateway.clients", ClientRegistry, but={"check", "adopt"})
    yield from record(Client, "What each means is in [Clients](client-registry.md).")
    yield from record(ClientPage)

    yield "## Applications\n"
    yield from registry("gateway.applications", ApplicationRegistry, but={"check"})
    yield from record(Application, "See [Applications](applications.md).")

    yield "## Tokens\n"
    yield from registry("gateway.tokens", TokenRegistry)
    yield from record(TokenPage, "Its tokens are as `current_token` is.")

    yield "## Sessions\n"
    yield from registry("gateway.sessions", Sessions, but=INTERNAL_SESSIONS)
    yield from record(SessionPage, "See [Sessions](openid.md#sessions).")

    yield "## What hooks are called with\n"
    for each in (SignInRequest, Authorization, Assertion):
        yield from record(each)

    yield "## Languages\n\n`flask_oauth_gateway.languages`, for an app with Flask-Babel. See [Languages](languages.md).\n"
    yield entry("choose_language", choose_language)

    yield "## Errors\n\nOf wrong calls and settings; they reach no client.\n"
    for error in filter(is_exception, map(package.__dict__.get, package.__all__)):
        base = error.__mro__[1].__name__
        yield f"### `{error.__name__}`\n\n{inspect.getdoc(error)} A `{base}`.\n"

    yield "## Tests of your app\n\n`flask_oauth_gateway.testing`: pytest fixtures. See [Testing your app](testing.md).\n"
    for name in testing.__all__:
        yield f"### `{name}`\n\n{inspect.cleandoc(getattr(testing, name).__doc__)}\n"
    yield entry("oauth_clock.advance", testing.Clock.advance)


def is_exception(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, Exception)


def entry(
    name: str,
    function: Callable[..., Any],
    *,
    signature_of: Callable[..., Any] | None = None,
    returns: str | None = None,
) -> str:
    """A function: how it is called, and its docstring."""
    text = signature(name.removeprefix("gateway."), signature_of or function, returns)
    return f"### `{name}`\n\n```py\n{text}\n```\n\n{documented(function)}\n"


def signature(name: str, function: Callable[..., Any], returns: str | None) -> str:
    found = inspect.signature(function)
    parameters = [
        each.replace(annotation=Bare(each.annotation) if isinstance(each.annotation, str) else each.annotation)
        for each in found.parameters.values()
        if each.name != "self"
    ]
    annotation = returns or found.return_annotation
    gives = "" if annotation in ("None", inspect.Signature.empty) else f" -> {annotation}"
    line = str(inspect.Signature(parameters))
    if len(name + line + gives) > 88:
        line = "(\n" + "".join(f"    {each},\n" for each in split(line)) + ")"
    return f"{name.rpartition('.')[2]}{line}{gives}"


def split(line: str) -> Iterator[str]:
    """The parameters in a signature, which may hold commas in brackets."""
    depth, start = 0, 1
    for place, character in enumerate(line):
        depth += (character in "([") - (character in ")]")
        if (character == "," and depth == 1) or (character == ")" and depth == 0):
            yield line[start:place].strip()
            start = place + 1


def attribute(name: str, found: property) -> str:
    return f"### `{name}`\n\n{documented(found)}\n"


def registry(name: str, kind: type, but: Collection[str] = ()) -> Iterator[str]:
    """Every public method of one of the gateway's registries."""
    for each, function in vars(kind).items():
        if inspect.isfunction(function) and not each.startswith("_") and each not in but:
            yield entry(f"{name}.{each}", function)


def record(kind: type, more: str = "") -> Iterator[str]:
    """A dataclass, its fields as a table."""
    yield f"### `{kind.__name__}`\n\n{documented(kind)} {more}".rstrip() + "\n"
    hidden = INTERNAL.get(kind, set())
    yield table([(field.name, str(field.type), "") for field in fields(kind) if field.name not in hidden])
    if found := list(properties(kind)):
        yield table(found)


def properties(kind: type) -> Iterator[tuple[str, str, str]]:
    for name, found in vars(kind).items():
        if isinstance(found, property) and found.fget is not None:
            yield name, found.fget.__annotations__["return"], " ".join(documented(found).split())


def table(rows: list[tuple[str, str, str]]) -> str:
    described = any(text for _, _, text in rows)
    head = "| | type | |\n| --- | --- | --- |\n" if described else "| | type |\n| --- | --- |\n"
    lines = []
    for name, kind, text in rows:
        escaped = kind.replace("|", "\\|")
        lines.append(f"| `{name}` | `{escaped}` |" + (f" {text} |" if described else ""))
    return head + "\n".join(lines) + "\n"


def documented(found: Any) -> str:
    """Its docstring. A public name without one is a mistake."""
    text = inspect.getdoc(found)
    if not text:
        raise SystemExit(f"{getattr(found, 'fget', found).__qualname__} has no docstring.")
    return text
