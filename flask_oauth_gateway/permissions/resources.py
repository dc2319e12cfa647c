"""Tells which resource a path belongs to, which resources a token is for, and what such a token may be (RFC 8707).

They come from `OAUTH_RESOURCES`, from `gateway.resource(…)` and from the audiences that views ask for; the metadata list
the same ones (RFC 9728). Paths that no prefix covers belong to the server itself, whose resource identifier is the issuer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import request

from ..config import OFFLINE_ACCESS
from ..config.checks import ConfigurationError
from ..config.openid import OPENID_SCOPES
from ..config.permissions import Resource, is_identifier, narrowed, with_implied
from ..errors import InvalidScopeError, InvalidTarget, NotConfigured, clean, shown

if TYPE_CHECKING:
    from flask import Flask

    from ..config import Settings
    from ..web.issuer import Issuer

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MAX_PLACES = 100
PLACE = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")
_UNNAMED = Resource()
_PARTS = r"([^:/?#]+:)(//[^/?#]*)?(.*)"


class Resources:
    """One app's resources. Those in `_given` govern paths; `_named` are only the audiences of single views."""

    def __init__(self, app: Flask, settings: Settings, issuer: Issuer, *, issues_tokens: bool) -> None:
        self._app = app
        self._issuer = issuer
        self._configured_issuer = settings.issuer
        self._implies = settings.scope_implies
        self._needs_audience = settings.in_profile.needs_audience
        self._known_scopes = {*settings.scopes, OFFLINE_ACCESS} if issues_tokens else None
        self._always: frozenset[str] = frozenset({OFFLINE_ACCESS, *(OPENID_SCOPES if settings.oidc else ())})
        self._given: dict[str, Resource] = {}
        self._named: dict[str, str] = {}  # identifier to the first path that asks for it
        self._is_settled = False
        self._metadata_urls: dict[tuple[Any, ...], str | None] = {}
        self._arrange()
        for prefix, resource in settings.resources.items():
            self.add(f"OAUTH_RESOURCES[{prefix!r}]", prefix, resource)

    def add(self, key: str, prefix: str, resource: Resource) -> None:
        """Add the resource at a path. `key` names it in errors.

        Raises `ConfigurationError` where it contradicts another, and `RuntimeError` after the first request.
        """
        if self._is_settled:
            raise RuntimeError(
                f"{key} comes too late: the app has had its first request. Say it where the app is made."
            )
        if prefix in self._given:
            raise ConfigurationError(key, prefix, "a path that is no resource yet")
        unknown = [name for name in resource.scopes or () if name not in (self._known_scopes or {name})]
        if unknown:
            raise ConfigurationError(
                f"{key}['scopes']", resource.scopes, f"names from OAUTH_SCOPES; {shown(unknown[0])} is not one"
            )
        for each in self._given.values():
            if resource.identifier is not None and each.identifier == resource.identifier and each != resource:
                raise ConfigurationError(key, resource.identifier, "described in one way wherever it is named")
        self._given[prefix] = resource
        self._arrange()

    def settle(self, named: Iterable[tuple[str, str]]) -> None:
        """Take the audiences that views ask for, each with a path of such a view; after that there are no further resources."""
        known = [each.identifier for each in self._given.values()]
        for identifier, path in named:
            if is_identifier(identifier) and identifier not in known and identifier != self._configured_issuer:
                self._named.setdefault(identifier, path)
        self._is_settled = True

    def _arrange(self) -> None:
        root = self._given.get("/", _UNNAMED)
        self._root = root.identifier or self._configured_issuer  # None: the issuer, which depends on the request
        below = sorted((prefix for prefix in self._given if prefix != "/"), key=len, reverse=True)
        self._below = tuple((prefix, f"{prefix}/", self._given[prefix].identifier) for prefix in below)
        self.are_configured = bool(self._given) or self._needs_audience
        self.have_terms = any(each.has_terms for each in self._given.values())

    # Which resource a path belongs to

    def of(self, path: str) -> str:
        """The identifier of a path's resource. A prefix covers whole segments; the longest prefix counts."""
        for prefix, start, identifier in self._below:
            if path == prefix or path.startswith(start):
                return identifier or self._issuer.url(self._issuer.mount_point() + prefix)
        return self._root or self._issuer.identifier()

    def named_for(self, path: str) -> str | None:
        """The identifier that the configuration gives a path's resource; `None` where that is the issuer's, or made of it."""
        return self._given.get(self.prefix_of(path), _UNNAMED).identifier

    def prefix_of(self, path: str) -> str:
        """The prefix that covers a path."""
        return next((prefix for prefix, start, _ in self._below if path == prefix or path.startswith(start)), "/")

    def asked_for(self) -> str:
        """The resource of the request's path. Raises `NotConfigured` where the issuer isn't known."""
        return self.of(request.path) if self._below else self._root or self._issuer.identifier()

    def is_for_another(self, audience: Collection[str]) -> bool:
        """Whether an audience names resources as we do, and not that of the request's path.

        For tokens of other issuers, which may have names of their own for us.
        """

        def is_named(prefix: str) -> bool:
            with suppress(NotConfigured):
                return self.of(prefix) in audience
            return False

        return any(map(is_named, self._given)) and not is_named(self.prefix_of(request.path))

    def all(self) -> dict[str, Resource]:
        """Every resource by its identifier, that of "/" first. Raises `NotConfigured` where the issuer isn't known."""
        found = {self.of("/"): self._given.get("/", _UNNAMED)}
        for prefix, resource in self._given.items():
            found.setdefault(self.of(prefix), resource)
        return found | {identifier: _UNNAMED for identifier in self._named if identifier not in found}

    def names_of(self, audience: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """What users read of resources: each one's name, which is empty where it has none, and its identifier."""
        known = self._governing()
        return tuple((known.get(each, _UNNAMED).name or "", each) for each in audience)

    # Which resources a token is for

    def resolve(self, asked: Iterable[str]) -> tuple[str, ...]:
        """The resources that a request asks for; none where it asks for none. Raises `InvalidTarget` (RFC 8707 section 2)."""
        wanted = tuple(asked)
        if not wanted:
            return ()
        known = self.all()
        by_name = {_canonical(identifier): identifier for identifier in known}
        found = {}
        for name in wanted:
            identifier = name if name in known else by_name.get(_canonical(name))
            if identifier is None:
                names = ", ".join(map(clean, known))
                raise InvalidTarget(
                    f"The resource '{clean(name, 80)}' is not known here; these are: {clean(names, 400)}."
                )
            found[identifier] = True
        return tuple(found)

    def among(self, asked: Iterable[str], approved: str | None) -> tuple[str, ...]:
        """Those of the approved resources that a request asks for; all of them where it asks for none.

        `approved`: identifiers with spaces; `None`, where the approval named none: those of a token without `resource`.
        Raises `InvalidTarget` for any other.
        """
        found = self.resolve(asked)
        if not found:
            return tuple((approved or "").split())
        allowed = (approved or self.default_audience() or self.of("/")).split()
        for identifier in found:
            if identifier not in allowed:
                raise InvalidTarget(f"The resource '{clean(identifier, 80)}' is not one that was approved.")
        return found

    def default_audience(self) -> str | None:
        """A token's audience where no resource was asked for: all that govern paths; `None` where no setting names any."""
        return " ".join(self._governing()) if self.are_configured else None

    def _governing(self) -> dict[str, Resource]:
        """Those that govern paths, by identifier, "/" first; as far as their names are known where the issuer isn't."""
        found: dict[str, Resource] = {}
        for prefix in ("/", *self._given):
            with suppress(NotConfigured):  # opaque tokens need no issuer
                found.setdefault(self.of(prefix), self._given.get(prefix, _UNNAMED))
        return found

    # What a token for them may be

    def within(self, scopes: tuple[str, ...], audience: Collection[str]) -> tuple[str, ...]:
        """Those of the scopes that are given for at least one of these resources. Raises `InvalidScopeError` where none is."""
        if not self.have_terms or not scopes:
            return scopes
        allowed = set(self._always)
        for resource in self._of(audience):
            if resource.scopes is None:
                return scopes
            allowed.update(resource.scopes)
        reached = with_implied(frozenset(allowed), self._implies)
        kept = narrowed(scopes, reached, self._implies)
        if not kept:
            names = " ".join(sorted(allowed - self._always))
            raise InvalidScopeError(f"For the resource only these scopes are given: {clean(names)}.")
        return kept

    def format_for(self, audience: Collection[str], otherwise: str) -> str:
        """The format of a token for these resources. A JWT, where one of them takes no other: all of them can read it."""
        return "jwt" if "jwt" in {each.access_token_format or otherwise for each in self._of(audience)} else "opaque"

    def seconds_for(self, audience: Collection[str], own: int | None, otherwise: int) -> int:
        """The lifetime of a token for these resources: the shortest of theirs and its client's `own`, if that has one."""
        seconds = (each.access_token_lifetime or own or otherwise for each in self._of(audience))
        return min((*seconds, own)) if own is not None else min(seconds)

    def _of(self, audience: Collection[str]) -> list[Resource]:
        """The resources of an audience, or without one those of `default_audience`."""
        known = self._governing()
        return [known.get(name, _UNNAMED) for name in audience] if audience else [*known.values()]

    # Where they are described

    def metadata_url(self, path: str, audience: str | None = None) -> str | None:
        """The URL of the metadata of a path's resource, or of the view's `audience` (RFC 9728 section 3.1).

        `None` where the issuer isn't known. Where the app is mounted below a path, this is the URL at which the app
        itself answers, not that at the host's root.
        """
        app, environ = self._app, request.environ
        if audience in self._named:
            named, prefix = audience, self._named[audience]
        else:
            by_name = [at for at, each in self._given.items() if audience is not None and each.identifier == audience]
            named, prefix = None, by_name[0] if by_name else self.prefix_of(path) if self._below else "/"
        # The URL depends on these alone, so it is found once for each of them, not at each refusal.
        key = (named, prefix, app.debug, app.testing, *map(environ.get, PLACE))
        with suppress(KeyError):
            return self._metadata_urls[key]
        found = self._find_metadata_url(named, prefix)
        if len(self._metadata_urls) >= MAX_PLACES:  # callers choose the host, so there could be any number
            self._metadata_urls.clear()
        self._metadata_urls[key] = found
        return found

    def _find_metadata_url(self, named: str | None, prefix: str) -> str | None:
        try:
            identifier, issuer = urlsplit(named or self.of(prefix)), urlsplit(self._issuer.identifier())
            at = "" if prefix == "/" else prefix
            if identifier[:2] == issuer[:2] and not request.script_root:
                at = identifier.path.rstrip("/")
            query = f"?{identifier.query}" if identifier.query else ""
            return self._issuer.url(f"{request.script_root}{WELL_KNOWN}{at}{query}")
        except NotConfigured:
            return None

    def described_at(self, path: str) -> str | None:
        """The resource whose metadata is at this path after the well-known part.

        It is the one whose identifier has the request's host and query too, else the one that governs the path, else
        one whose identifier has this path, or that a view at this path asks for.
        """
        mount, known = self._issuer.mount_point(), self.all()
        asked = (request.host, request.query_string.decode("latin-1"))
        of_path = [(parts, each) for each in known if (parts := urlsplit(each)).path.rstrip("/") == path]
        for parts, identifier in of_path:
            if (parts.netloc.lower(), parts.query) == asked:
                return identifier
        for prefix in ("/", *self._given):
            if path in ({"", mount} if prefix == "/" else {prefix, mount + prefix}):
                return self.of(prefix)
        if of_path:
            return of_path[0][1]
        return next((name for name, place in self._named.items() if path in (place, mount + place)), None)


def _canonical(identifier: str) -> str:
    """The identifier with scheme and host in lower case (RFC 3986 section 6.2.2.1), and without a lone slash behind them.

    Many clients add that one: it makes no difference (section 6.2.3).
    """
    found = re.fullmatch(_PARTS, identifier, re.DOTALL)
    if found is None:
        return identifier
    scheme, host, rest = found.groups("")
    path, mark, query = rest.partition("?")
    return scheme.lower() + host.lower() + ("" if path == "/" and host else path) + mark + query
