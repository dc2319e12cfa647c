"""The issuer: the name of this server and the base of its URLs (`OAUTH_ISSUER`, or the request's root URL where allowed)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import has_request_context, request

from ..config.checks import is_loopback
from ..errors import NotConfigured
from .place import path_for

if TYPE_CHECKING:
    from flask import Flask

    from ..config import Settings


class Issuer:
    """One server's name and URLs."""

    def __init__(self, app: Flask, settings: Settings, *, issues_tokens: bool) -> None:
        self._app = app
        self._configured = settings.issuer
        self._mtls_url = settings.mtls_url if settings.mtls else None
        root = settings.resources.get("/")
        if self._configured is None and not issues_tokens and root is not None and root.identifier is not None:
            self._configured = root.identifier.rstrip("/")  # a resource server's name

    def identifier(self) -> str:
        """The issuer identifier (RFC 8414 section 2): the setting, or the request's root URL in debug, testing and on loopback.

        Elsewhere the Host header must not decide it: raises `NotConfigured`, which says what is missing.
        """
        if self._configured is not None:
            return self._configured
        app = self._app
        if not has_request_context():
            if app.testing:
                return "http://localhost"  # as Flask's test client has it
        elif app.debug or app.testing or is_loopback(_host()):
            return request.root_url.rstrip("/")
        raise NotConfigured(
            "The server does not know its own name: its configuration needs OAUTH_ISSUER,"
            " and OAUTH_ALLOW_HTTP = True where that is plain http."
        )

    def url(self, path: str) -> str:
        """A path of this app as a URL that people can type: on the issuer's host. Raises as `identifier` does."""
        scheme, _, rest = self.identifier().partition("://")
        return f"{scheme}://{rest.partition('/')[0]}{path}"

    def urls(self, path: str) -> tuple[str, ...]:
        """A path of this app on the issuer's host, and on `OAUTH_MTLS_URL`, if there is one. Raises as `url` does."""
        own = self.url(path)
        return (own,) if self._mtls_url is None else (own, self._mtls_url + path)

    def token_endpoints(self) -> tuple[str, ...]:
        """The token endpoint's URLs, which an assertion may name as its audience (RFC 7523 section 3)."""
        return self.urls(path_for("oauth.token"))

    def mount_point(self) -> str:
        """The path at which the app is mounted; "" where it is mounted at the root.

        This is `SCRIPT_NAME`, or Flask's `APPLICATION_ROOT` in a request for a well-known address at the root, for
        which a server sets no `SCRIPT_NAME`.
        """
        root = request.script_root if has_request_context() else ""
        return root or str(self._app.config["APPLICATION_ROOT"]).rstrip("/")


def _host() -> str:
    """The host that the request names, without its port."""
    try:
        return urlsplit(request.root_url).hostname or ""
    except ValueError:
        return ""
