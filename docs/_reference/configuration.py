"""`docs/configuration.md`, from the settings, by groups of what a reader looks for."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields
from typing import Any

from flask_oauth_gateway.config import PREFIX, Settings

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/config/. Change it there. -->

# Configuration

Keys of Flask's `app.config`, read once, by `init_app`. A value that can't be raises `ConfigurationError`, which names
the key, what it holds and what it may hold; an `OAUTH_` key that isn't known is a warning. Wherever seconds are meant, a
`timedelta` is taken too.
"""

#: What a reader of Python's types would say to somebody who isn't one; any other type stands as it is.
WORDS = {
    "bool": "`True` or `False`",
    "int": "a whole number",
    "str": "a text",
    "tuple[str, ...]": "a list of names",
    "tuple[str | int, ...]": "a list of names and numbers",
    "Mapping[str, str]": "a dict of texts",
    "Mapping[str, int]": "a dict of numbers",
    "tuple[Mapping[str, Any], ...]": "a list of dicts",
    "None": "`None`",
}


#: The groups of the page, in its order: what each is about. A key is in the group of its family in `flask_oauth_gateway/config/`,
#: save those that `KEYS` names.
GROUPS = {
    "Start here": "What most apps set before anything else.",
    "Users and pages": "Where users sign in, what the pages are called and look like, and what users may make for themselves.",
    "OpenID Connect": "Other programs sign their users in here ([Sign in with your app](openid.md)).",
    "Tokens": "What tokens look like, how long they live, which keys sign them, and how soon a revocation is noticed.",
    "Clients": "How a client proves who it is, and where answers may be sent.",
    "Clients that nobody registers": "Programs that register themselves, or say who they are at a URL.",
    "Authorization requests": "What a client may ask a user for, and how the request and its answer travel.",
    "Tokens bound to a key": "DPoP and mutual TLS: a stolen token is no use without the key.",
    "Assertions": "Who may sign JWTs and SAML assertions that are traded for tokens.",
    "Resource servers": "What a request needs to reach a view, and whose tokens count.",
    "Limits": "How much, and how often.",
    "Operations": "The database, Redis, proxies, metrics, and where the endpoints stand.",
}
FAMILIES = {
    "server": "Operations",
    "profiles": "Start here",
    "clients": "Clients",
    "registration": "Clients that nobody registers",
    "grants": "Authorization requests",
    "authorization_requests": "Authorization requests",
    "bound_tokens": "Tokens bound to a key",
    "permissions": "Resource servers",
    "users": "Users and pages",
    "people": "Users and pages",
    "openid": "OpenID Connect",
    "tokens": "Tokens",
    "keys": "Tokens",
    "issuers": "Assertions",
    "protection": "Resource servers",
    "observing": "Operations",
}
#: The keys of "Start here" in their order, and those that are sought elsewhere than in their family's group.
KEYS = {
    **dict.fromkeys(
        ("issuer", "scopes", "grant_types", "login_url", "database_uri", "site_name", "oidc", "admin", "profile"), "Start here"
    ),
    "client_id_metadata": "Clients that nobody registers",
    "client_id_metadata_hosts": "Clients that nobody registers",
    "client_id_metadata_max_bytes": "Limits",
    "registration_max": "Limits",
    "developer_max": "Limits",
    "max_body": "Limits",
    "plans": "Limits",
    "rate_limits": "Limits",
    "clock_skew": "Limits",
    "token_parameters_from": "Clients",
    "compatibility": "Clients",
    "resource_server": "Resource servers",
    "trusted_token_issuers": "Resource servers",
    "default_scopes": "Authorization requests",
    "required_scopes": "Authorization requests",
    "scope_implies": "Authorization requests",
}  # fmt: skip
LONG = 150  # characters: a longer sentence is cut at its first semicolon or colon


def page() -> str:
    """The whole page."""
    grouped = keys_by_group()
    return "\n".join([HEAD, contents(), *(group(title, grouped[title]) for title in GROUPS), overview()])


def keys_by_group() -> dict[str, list[Field[Any]]]:
    """Each key, in its one group."""
    grouped: dict[str, list[Field[Any]]] = {title: [] for title in GROUPS}
    for family in Settings.__bases__:
        home = FAMILIES[family.__module__.rpartition(".")[2]]
        for item in fields(family):
            grouped[KEYS.get(item.name, home)].append(item)
    order = list(KEYS)
    grouped["Start here"].sort(key=lambda item: order.index(item.name))
    return grouped


def contents() -> str:
    """The groups, as links, and where a key is found by its name."""
    lines = (
        f"- [{title}](#{title.lower().replace(' ', '-')}): {about[0].lower() if about[1].islower() else about[0]}{about[1:-1]}"
        for title, about in GROUPS.items()
    )
    return "\n".join([*lines, "\n[Every key by its name](#every-key) stands at the end."]) + "\n"


def overview() -> str:
    """Every key with its default, as links: to find one by its name."""
    rows = (
        f"| [`{key(item)}`](#{key(item).lower()}) | `{default_of(item)!r}` |"
        for item in sorted(fields(Settings), key=key)
    )
    return "\n".join(["## Every key\n", "| key | default |", "| --- | --- |", *rows]) + "\n"


def key(item: Field[Any]) -> str:
    return f"{PREFIX}{item.name.upper()}"


def default_of(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def group(title: str, items: list[Field[Any]]) -> str:
    """One group: what it is about, a sentence for each key, and each key in full."""
    rows = (f"| [`{key(item)}`](#{key(item).lower()}) | {in_a_sentence(item)} |" for item in items)
    head = [f"## {title}\n", f"{GROUPS[title]}\n", "| key | what it says |", "| --- | --- |", *rows]
    return "\n".join([*head, "", *map(section, items)])


def in_a_sentence(item: Field[Any]) -> str:
    """What a key means, short: its first sentence, or the first part of that."""
    whole = re.split(r"(?<=[.!?])(?<!e\.g\.) (?=[A-Z0-9`\"])", item.metadata["doc"])[0]
    if len(whole) > LONG and not whole.startswith("`"):
        whole = re.split(r"[;:] ", whole)[0].rstrip(".") + "."
    return whole.replace("|", "\\|")


def section(item: Field[Any]) -> str:
    """One key: what it may be, what it is where nothing is said, and what it means."""
    return f"""\
### `{key(item)}`

{item.metadata["doc"]}

Default: `{default_of(item)!r}`. Type: {in_words(str(item.type))}.
"""


def in_words(annotation: str) -> str:
    """A type as a person says it: `str | None` is "a text or `None`"."""
    alternatives = re.split(r" \| (?![^\[]*\])", annotation)  # not within brackets
    return " or ".join(WORDS.get(each, f"`{each}`") for each in alternatives)
