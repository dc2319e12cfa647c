"""Settings of permissions: the scopes that a client may ask for, and the resources that tokens may be for (RFC 8707)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import shown
from .checks import SCOPE_NAME, ConfigurationError, check_keys, names, one_of, optional_positive, optional_text
from .setting import setting

_PATH = r"/|(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?"
_IDENTIFIER = r"[A-Za-z][A-Za-z0-9+.-]*:[!$-\[\]-~]+"  # no fragment
MAX_IDENTIFIER = 2048


class ScopeWords(str):
    """A scope's description, with what a client still can't do by it: texts, or names of scopes whose descriptions say it."""

    limits: tuple[str, ...] = ()


def read_scopes(key: str, value: Any) -> Mapping[str, str]:
    """A dict of scope name to description: a text, or a dict of a text and of its limits, which are texts or scopes' names."""
    allowed = "a dict of scope name to description"
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, allowed)
    found = {}
    for name, description in value.items():
        if not isinstance(name, str) or not SCOPE_NAME.fullmatch(name) or not isinstance(description, str | Mapping):
            raise ConfigurationError(
                key, value, f"{allowed} (no space, quote or backslash in a name); {shown(name)} is not that"
            )
        found[name] = description if isinstance(description, str) else _read_words(f"{key}[{name!r}]", description)
    return found


def _read_words(key: str, given: Mapping[str, Any]) -> ScopeWords:
    check_keys(key, given, ("description", "not"))
    if not isinstance(given.get("description"), str):
        raise ConfigurationError(f"{key}['description']", given.get("description"), "a text")
    words = ScopeWords(given["description"])
    limits = given.get("not", ())
    limits = (limits,) if isinstance(limits, str) else limits
    if not isinstance(limits, list | tuple) or not all(isinstance(each, str) and each.strip() for each in limits):
        raise ConfigurationError(f"{key}['not']", limits, "a text, or a list of texts or names of scopes")
    words.limits = tuple(limits)
    return words


def read_scope_implies(key: str, value: Any) -> Mapping[str, frozenset[str]]:
    """A dict of scope name to the scopes that it includes; what comes back holds theirs too. None includes itself."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, "a dict of scope name to the names of the scopes that it includes")
    direct = {name: names(f"{key}[{shown(name)}]", listed) for name, listed in value.items()}
    found = {}
    for name, listed in direct.items():
        reached: set[str] = set()
        waiting = [*listed]
        while waiting:
            one = waiting.pop()
            if one == name:
                raise ConfigurationError(key, value, f"without circles; {shown(name)} would include itself")
            if one not in reached:
                reached.add(one)
                waiting.extend(direct.get(one, ()))
        found[name] = frozenset(reached)
    return found


def with_implied(scopes: frozenset[str], implies: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The scopes, and those that they include (`OAUTH_SCOPE_IMPLIES`)."""
    return scopes.union(*(implies[name] for name in scopes if name in implies))


def narrowed(scopes: Iterable[str], allowed: Collection[str], implies: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Those of the scopes that are allowed; in the place of one that isn't, those that it includes and that are."""
    parts = (
        [name] if name in allowed else sorted(implies.get(name, frozenset()).intersection(allowed)) for name in scopes
    )
    return tuple(dict.fromkeys(name for part in parts for name in part))


class Resource(NamedTuple):
    """What tokens may be for. With `identifier=None` it is called by the URL of its path, at "/" by the issuer.

    `scopes`: only these are given for it; `None`: all. `access_token_format` and `access_token_lifetime` (seconds) are
    those of tokens for it. Clients and users read `name` and `documentation`.
    """

    identifier: str | None = None
    scopes: tuple[str, ...] | None = None
    name: str | None = None
    documentation: str | None = None
    access_token_format: str | None = None
    access_token_lifetime: int | None = None

    @property
    def has_terms(self) -> bool:
        """Whether tokens for it differ from others."""
        return (self.scopes, self.access_token_format, self.access_token_lifetime) != (None, None, None)


KEYS = Resource._fields


def is_identifier(text: object) -> bool:
    """Whether a text can name a resource: an absolute URI without fragment (RFC 8707 section 2)."""
    return isinstance(text, str) and len(text) <= MAX_IDENTIFIER and bool(re.fullmatch(_IDENTIFIER, text))


def read_resources(key: str, value: Any) -> Mapping[str, Resource]:
    """A dict of path prefix to an identifier, or to a dict; a slash at the end of a prefix makes no difference."""
    allowed = (
        "a dict of path such as '/api' to an absolute URI without fragment, such as 'https://api.example.com', or to a"
        f" dict with {', '.join(KEYS)}"
    )
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, allowed)
    found: dict[str, Resource] = {}
    for path, entry in value.items():
        prefix = read_path(path)
        if prefix is None:
            raise ConfigurationError(key, value, f"{allowed}; {shown(path)} is no such path")
        if not isinstance(entry, Mapping) and not is_identifier(entry):
            raise ConfigurationError(key, value, f"{allowed}; {shown(entry)} is no such URI")
        if prefix in found:
            raise ConfigurationError(key, value, f"{allowed}; {shown(path)} is there twice")
        given = entry if isinstance(entry, Mapping) else {"identifier": entry}
        found[prefix] = read_resource(f"{key}[{path!r}]", given)
    return found


def read_path(path: Any) -> str | None:
    """The path at which a resource stands, as Flask routes it, without a slash at its end; `None` where it can't be one."""
    return (path.rstrip("/") or "/") if isinstance(path, str) and re.fullmatch(_PATH, path) else None


def read_added_resource(path: Any, entry: Mapping[str, Any]) -> tuple[str, Resource]:
    """The path and the resource of a `gateway.resource(…)`. Raises `ConfigurationError`."""
    prefix = read_path(path)
    if prefix is None:
        raise ConfigurationError("gateway.resource", path, "a path such as '/mcp'")
    return prefix, read_resource(f"gateway.resource({path!r})", entry)


def read_resource(key: str, entry: Mapping[str, Any]) -> Resource:
    """One resource, from a dict with any of `KEYS`. Raises `ConfigurationError`."""
    check_keys(key, entry, KEYS)
    given = {name: value for name, value in entry.items() if value is not None}
    if "identifier" in given and not is_identifier(given["identifier"]):
        raise ConfigurationError(
            f"{key}['identifier']", given["identifier"], "an absolute URI without fragment, such as 'https://a.example'"
        )
    documentation = given.get("documentation")
    if documentation is not None and not (is_identifier(documentation) and documentation.startswith("http")):
        raise ConfigurationError(f"{key}['documentation']", documentation, "the URL of a page, or None")
    readers = {
        "scopes": names,
        "name": optional_text,
        "access_token_format": one_of("opaque", "jwt"),
        "access_token_lifetime": optional_positive,
    }
    return Resource(**{n: readers[n](f"{key}[{n!r}]", v) if n in readers else v for n, v in given.items()})


@dataclass(frozen=True, init=False, repr=False, eq=False)
class PermissionSettings:
    """A group of `Settings`."""

    __slots__ = ()

    scopes: Mapping[str, str] = setting(
        {},
        read_scopes,
        "Each scope's name, and what the scope means, in words for a user: a text, or a dict with `description` and `not`, which"
        " is what a client with it still can't do: a text, or a list of texts and of names of other scopes."
        " A request for any other scope is refused with `invalid_scope`.",
    )
    default_scopes: tuple[str, ...] = setting(
        (),
        names,
        "What a request that names no scope gets, where its client has no `default_scope`: those scopes of this"
        " list that the client may have. Where there are none, it gets all that the client is registered for.",
    )
    required_scopes: tuple[str, ...] = setting(
        (), names, "Scopes that a user can't untick on the consent page; the user may untick every other scope."
    )
    scope_implies: Mapping[str, frozenset[str]] = setting(
        {},
        read_scope_implies,
        "Scopes that include others: a dict of scope name to a list of names, as in"
        ' `{"files": ("files:read", "files:write")}`. What a view, a path or a proxy asks for is also met by a scope that'
        " includes it, and what a plan or a resource allows includes what its scopes include. The consent page shows only"
        " the scope that includes the others. A client may ask for an included scope alone, and introspection names the"
        " included ones too; JWTs and `current_token.scopes` hold what was given. None may include `oauth:admin`,"
        " `offline_access`, or one of OpenID Connect's.",
    )
    resources: Mapping[str, Resource] = setting(
        {},
        read_resources,
        "Resources by path prefix: an identifier, which is an absolute URI without fragment, or a dict. The `resource`"
        " parameter may name them (RFC 8707), `/.well-known/oauth-protected-resource` describes them (RFC 9728),"
        ' and a token\'s `aud` holds them where nothing else was asked for. Where `"/"` has no entry, its'
        " identifier is the issuer. A dict has any of `identifier` (left out: the URL of the path), `scopes` (only these"
        " are given for it), `name` (for users), `documentation` (a URL, for developers), `access_token_format`"
        " and `access_token_lifetime` (of tokens for it).",
    )
