"""Tells which resource a path belongs to and which resources a token is for (`OAUTH_RESOURCES`; RFC 8707, RFC 9728).

Paths that no prefix covers belong to the server itself, whose resource identifier is the issuer.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import request

from ..errors import InvalidTarget, NotConfigured, clean

if TYPE_CHECKING:
    from flask import Flask

    from ..config import Settings
    from ..web.issuer import Issuer

WELL_KNOWN = "/.well-known/oauth-protected-resource"
MAX_PLACES = 100
PLACE = ("wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME")


class Resources:
    """One app's resources, by path prefix."""

    def __init__(self, app: Flask, settings: Settings, issuer: Issuer) -> None:
        given = settings.resources
        self._app = app
        self._issuer = issuer
        self._root = given.get("/") or settings.issuer  # None: the issuer, which depends on the request
        below = [prefix for prefix in given if prefix != "/"]
        self._prefixes = ("/", *below)
        self._below = tuple((prefix, f"{prefix}/", given[prefix]) for prefix in sorted(below, key=len, reverse=True))
        self.are_configured = bool(given) or settings.in_profile.needs_audience
        self._metadata_urls: dict[tuple[Any, ...], str | None] = {}

    def of(self, path: str) -> str:
        """The identifier of a path's resource. A prefix covers whole segments; the longest prefix counts."""
        for prefix, start, identifier in self._below:
            if path == prefix or path.startswith(start):
                return identifier
        return self._root or self._issuer.identifier()

    def prefix_of(self, path: str) -> str:
        """The prefix that covers a path."""
        return next((prefix for prefix, start, _ in self._below if path == prefix or path.startswith(start)), "/")

    def all(self) -> dict[str, str]:
        """Every prefix and its identifier, "/" first. Raises `NotConfigured` where the issuer isn't known."""
        return {prefix: self.of(prefix) for prefix in self._prefixes}

    def asked_for(self) -> str:
        """The resource of the request's path. Raises `NotConfigured` where the issuer isn't known."""
        return self.of(request.path) if self._below else self._root or self._issuer.identifier()

    def resolve(self, asked: Iterable[str], approved: str | None = None) -> tuple[str, ...]:
        """The resources that a request asks for, among the `approved` ones where given; all of these where it asks for none.

        Empty where the request asks for none and none was approved. Raises `InvalidTarget` (RFC 8707 section 2).
        """
        wanted = tuple(asked)
        if not wanted:
            return tuple((approved or "").split())
        known = {_canonical(identifier): identifier for identifier in self.all().values()}
        found = {}
        for name in wanted:
            identifier = known.get(_canonical(name))
            if identifier is None:
                names = ", ".join(map(clean, known.values()))
                raise InvalidTarget(
                    f"The resource '{clean(name, 80)}' is not known here; these are: {clean(names, 400)}."
                )
            if approved is not None and identifier not in approved.split():
                raise InvalidTarget(f"The resource '{clean(name, 80)}' is not one that was approved.")
            found[identifier] = True
        return tuple(found)

    def default_audience(self) -> str | None:
        """A token's audience where no resource was asked for: all of `OAUTH_RESOURCES`; `None` where that is empty."""
        if not self.are_configured:
            return None
        identifiers = [self.of(prefix) for prefix in self._prefixes[1:]]
        with suppress(NotConfigured):  # opaque tokens need no issuer
            identifiers.insert(0, self.of("/"))
        return " ".join(dict.fromkeys(identifiers))

    def metadata_url(self, path: str) -> str | None:
        """The URL of the metadata of a path's resource (RFC 9728 section 3.1); `None` where the issuer isn't known.

        Where the app is mounted below a path, this is the URL at which the app itself answers, not that at the host's
        root.
        """
        app, environ = self._app, request.environ
        prefix = self.prefix_of(path) if self._below else "/"
        # The URL depends on these alone, so it is found once for each of them, not at each refusal.
        key = (prefix, app.debug, app.testing, *map(environ.get, PLACE))
        with suppress(KeyError):
            return self._metadata_urls[key]
        found = self._find_metadata_url(path, "" if prefix == "/" else prefix)
        if len(self._metadata_urls) >= MAX_PLACES:  # callers choose the host, so there could be any number
            self._metadata_urls.clear()
        self._metadata_urls[key] = found
        return found

    def _find_metadata_url(self, path: str, at: str) -> str | None:
        try:
            if not request.script_root:
                identifier, issuer = urlsplit(self.of(path)), urlsplit(self._issuer.identifier())
                if identifier[:2] == issuer[:2]:
                    at = identifier.path.rstrip("/")
            return self._issuer.url(f"{request.script_root}{WELL_KNOWN}{at}")
        except NotConfigured:
            return None

    def prefix_at(self, path: str) -> str | None:
        """The prefix whose metadata is at this path after the well-known part: the prefix, or its identifier's path."""
        mount = self._issuer.mount_point()
        for prefix in self.all():
            if path in ({"", mount} if prefix == "/" else {prefix, mount + prefix}):
                return prefix
        return next((prefix for prefix, each in self.all().items() if urlsplit(each).path.rstrip("/") == path), None)


def _canonical(identifier: str) -> str:
    """Drop the slash of `https://a.example/`, which many clients add: it makes no difference (RFC 3986 section 6.2.3)."""
    return identifier.removesuffix("/") if identifier.count("/") == 3 else identifier
