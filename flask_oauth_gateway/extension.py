"""`OAuthGateway`: turns a Flask app into an OAuth 2 authorization server. `init_app` is the whole contract."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, current_app, has_app_context
from werkzeug.local import LocalProxy

from .config import ConfigurationWarning, Settings
from .config.permissions import read_added_resource
from .endpoints import make_blueprint
from .endpoints.resource_metadata import add_resource, add_resource_metadata
from .features import ENDPOINTS
from .hooks import HookDecorators, Hooks
from .protection.guard import GUARD
from .protection.order import check_at_first_request
from .protection.require_token import protect, requirement
from .protection.resources import know_views
from .resource_server import ResourceServer, Server
from .web.environ import SERVER
from .web.first_request import at_first_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from _typeshed.wsgi import WSGIApplication
    from flask_sqlalchemy import SQLAlchemy
    from markupsafe import Markup

    from .authorization_server import AuthorizationServer
    from .clients.applications import ApplicationRegistry
    from .clients.registry import ClientRegistry
    from .config.permissions import Resource
    from .database.engine import Database
    from .oidc.sessions import Sessions
    from .protection.asgi import ASGIApplication
    from .protection.openapi import OpenApi
    from .tokens.registry import TokenRegistry
    from .web.rate_limits import RateLimiter

EXTENSION = "oauth_gateway"  # the key in `app.extensions`


class OAuthGateway(HookDecorators):
    """The extension. `OAuthGateway(app)`, or `OAuthGateway()` and later `init_app(app)`.

    `db` is the app's `flask_sqlalchemy.SQLAlchemy`. Without it, the gateway uses the one that is registered on the app;
    where the app has none, it uses a database of its own (`OAUTH_DATABASE_URI`).
    """

    def __init__(
        self, app: Flask | None = None, db: SQLAlchemy | None = None, *, resource_server: bool = False
    ) -> None:
        self.hooks = Hooks()
        self._servers: list[Server] = []
        self._resources: list[tuple[str, Resource]] = []  # those of every app that is still to come
        self._resource_server = resource_server
        if app is not None:
            self.init_app(app, db)

    def init_app(self, app: Flask, db: SQLAlchemy | None = None, *, resource_server: bool = False) -> None:
        """Read the settings, and put the endpoints and the command line on an app.

        `resource_server=True`: the app only checks tokens that other servers issue (`OAUTH_TRUSTED_TOKEN_ISSUERS`), and
        needs no database; the setting `OAUTH_RESOURCE_SERVER` does the same. Raises `ConfigurationError` for a setting
        that can't be used, and `RuntimeError` where the app has a gateway already.
        """
        if SERVER in app.extensions:
            raise RuntimeError(
                f"The app {app.name!r} has a gateway already: give each app one OAuthGateway, and call init_app once."
            )
        settings = Settings.from_config(app.config, relaxed=app.debug or app.testing)
        endpoints = frozenset(app.view_functions)
        server: Server
        if resource_server or self._resource_server or settings.resource_server:
            server = self._add_resource_server(app, settings)
        else:
            db = app.extensions.get("sqlalchemy") if db is None else db
            if db is not None and settings.database_uri is not None:
                no_effect = (
                    "OAUTH_DATABASE_URI has no effect: the gateway's tables are in the app's own db. Leave it out."
                )
                warnings.warn(no_effect, ConfigurationWarning, stacklevel=2)
            server = self._add_authorization_server(app, settings, db)
        server.own_endpoints = frozenset(app.view_functions) - endpoints
        server.observers = server.load_observers()
        if server.observers:
            from .observing.watch import watch

            watch(app, server.guard, server.observers, ENDPOINTS)
        if server.path_rules is not None:
            from .protection.paths import guard_paths

            guard_paths(app, server.path_rules, server.own_endpoints)
        check_at_first_request(app)
        know_views(app, server.resources, server.guard, server.path_rules, server.own_endpoints)
        for path, resource in self._resources:
            add_resource(server, path, resource)
        if server.issues_tokens and not app.testing:
            from .doctor.start import say_at_start  # now, not in the first request

            at_first_request(app, partial(say_at_start, cast("AuthorizationServer", server)))
        app.extensions[EXTENSION] = self
        app.extensions[SERVER] = server
        app.extensions[GUARD] = server.guard
        self._servers.append(server)

    def _add_authorization_server(self, app: Flask, settings: Settings, db: SQLAlchemy | None) -> AuthorizationServer:
        from .authorization_server import AuthorizationServer
        from .cli import make_cli, say_what_flask_run_lacks
        from .endpoints.metadata import add_metadata
        from .stores.asking import of_requests

        server = AuthorizationServer(app, settings, self.hooks, db)
        server.database.compile_ahead(of_requests())  # now, not in the first request
        app.register_blueprint(make_blueprint(server))
        say_what_flask_run_lacks(app, settings)
        add_metadata(app, server)
        add_resource_metadata(app, server)
        app.cli.add_command(make_cli())
        if settings.oidc:
            openid = server.openid  # which imports it all now, and not in a request
            at_first_request(app, openid.sessions.end_at_sign_out)
            at_first_request(app, openid.backchannel_logout.begin)
        if server.plans is not None:
            from .protection.plans import add_headers

            app.after_request(add_headers)
        return server

    def _add_resource_server(self, app: Flask, settings: Settings) -> ResourceServer:
        """Add the parts of a resource server, without loading those of an authorization server."""
        from .cli.resource_server import make_resource_server_cli

        server = ResourceServer(app, settings, self.hooks)
        app.register_blueprint(make_blueprint(server))
        add_resource_metadata(app, server)
        app.cli.add_command(make_resource_server_cli())
        return server

    @property
    def applications(self) -> ApplicationRegistry:
        """The application registry: `create`, `get`, `find`, `update`, `approve`, `revoke`, `delete`."""
        return self._authorization_server.application_registry

    @property
    def clients(self) -> ClientRegistry:
        """The client registry: `create`, `get`, `find`, `list`, `update`, `rotate_secret`, `delete`."""
        return self._authorization_server.client_registry

    @property
    def tokens(self) -> TokenRegistry:
        """The tokens: `issue`, `find`, `get`, `revoke`, `set_attributes`, `purge`."""
        return self._authorization_server.token_registry

    @property
    def sessions(self) -> Sessions:
        """The users' sessions at clients: `find`, `end`. Raises `RuntimeError` where `OAUTH_OIDC` is off."""
        server = self._authorization_server
        if not server.settings.oidc:
            raise RuntimeError("There are no sessions without OpenID Connect: set OAUTH_OIDC = True.")
        return server.openid.sessions

    @property
    def database(self) -> Database:
        """The gateway's own connections."""
        return self._authorization_server.database

    @property
    def rate_limiter(self) -> RateLimiter:
        """Counts for `OAUTH_RATE_LIMITS`, and for the app's own limits: `take(limit, name, identity)`."""
        return self._authorization_server.rate_limiter

    @property
    def settings(self) -> Settings:
        """The app's settings, checked and converted."""
        return self._server.settings

    def close(self) -> None:
        """Write the audit entries that still wait, end the gateway's threads and close its connections, for every app.

        Call it at the end of a test or a script. A process that ends normally does all this by itself.
        """
        for server in self._servers:
            server.close()

    def protect(self, blueprint: Blueprint, *scopes: str, **options: Any) -> None:
        """Ask for a token before every view of a blueprint, as `@require_token(*scopes, **options)` does for one view."""
        protect(blueprint, *scopes, **options)

    def resource(self, path: str, *, scopes: Iterable[str] | None = None, **about: Any) -> None:
        """Make what is at a path and below a resource of its own, as an entry of `OAUTH_RESOURCES` does.

        A token opens it only if it is for this resource, and browsers' scripts may call it. `scopes`: only these are given
        for it. `about`: the other members of such an entry; without `identifier` it is called by the URL of its path.
        Before `init_app` this holds for each app of the gateway. Raises `ConfigurationError` where it contradicts another
        resource, and `RuntimeError` after the app's first request.
        """
        prefix, resource = read_added_resource(path, {**about, "scopes": scopes})
        if self._servers:
            add_resource(self._server, prefix, resource)
        else:
            self._resources.append((prefix, resource))

    def wsgi(self, application: WSGIApplication, *scopes: str, **options: Any) -> WSGIApplication:
        """A WSGI application behind the check of `@require_token(*scopes, **options)`, which never reads a request's body.

        The application finds the token's contents in its environ: `oauth.client_id`, `oauth.subject`, `oauth.scopes`,
        `oauth.attributes`.
        """
        from .protection.wsgi import guarded_application

        return guarded_application(self._server.app, application, requirement(*scopes, **options))

    def asgi(self, application: ASGIApplication, *scopes: str, **options: Any) -> ASGIApplication:
        """An ASGI application behind the check of `@require_token(*scopes, **options)`, on an event loop of asyncio.

        The application finds the token as `scope["state"]["oauth_token"]`; Starlette and FastAPI call it
        `request.state.oauth_token`. The body of a request is never read here, and lifespan events pass.
        """
        from .protection.asgi import guarded_application

        return guarded_application(self._server.app, application, requirement(*scopes, **options))

    @staticmethod
    def device_qr(response: Mapping[str, Any]) -> Markup:
        """A device authorization response (its JSON) as a QR code: an SVG of the class `oauth-qr` (RFC 8628 section 3.3.1).

        It leads to `verification_uri_complete`, else to `verification_uri`; show the user code beside it. No gateway is needed.
        Raises `ValueError` where the response has no such address, `RuntimeError` where the package segno is missing.
        """
        from .pages.device_qr import device_qr

        return device_qr(response)

    def openapi_security_schemes(self) -> dict[str, Any]:
        """OpenAPI's `components.securitySchemes`: the flows that are on, with their URLs and scopes."""
        return self._openapi.security_schemes()

    def openapi_security(self, view: str | Callable[..., Any], method: str = "GET") -> list[dict[str, list[str]]]:
        """An operation's `security`, by its view or endpoint: what `@require_token`, `protect` and `OAUTH_PROTECT` ask for.

        The list is empty where no token is needed. Raises `ValueError` where `view` is no view of the app.
        """
        return self._openapi.security(view, method)

    def add_openapi_security(self, document: dict[str, Any]) -> dict[str, Any]:
        """Add the schemes and each operation's `security` to an OpenAPI 3.1 document, and return it."""
        return self._openapi.add_security(document)

    @property
    def _openapi(self) -> OpenApi:
        from .protection.openapi import OpenApi

        server = self._server
        return OpenApi(
            server.app, server.settings, server.issuer, server.path_rules, server.own_endpoints,
            issues_tokens=server.issues_tokens,
        )  # fmt: skip

    @property
    def _authorization_server(self) -> AuthorizationServer:
        """The app's authorization server. Raises `RuntimeError` where the app is a resource server."""
        server = self._server
        if not server.issues_tokens:
            raise RuntimeError(
                "This app only checks tokens (resource_server=True): it has no clients and no tokens of its own."
            )
        return cast("AuthorizationServer", server)

    @property
    def _server(self) -> Server:
        """The current app's server; outside an app context, the server of the one app that this gateway is on."""
        if has_app_context():
            server = current_app.extensions.get(SERVER)
            if server in self._servers:
                return cast("Server", server)
        if len(self._servers) != 1:
            raise RuntimeError(
                "This gateway is on no app yet: call init_app(app)."
                if not self._servers
                else "This gateway is on several apps: use it inside `with app.app_context():`."
            )
        return self._servers[0]


def _current_gateway() -> OAuthGateway:
    try:
        return cast("OAuthGateway", current_app.extensions[EXTENSION])
    except KeyError:
        raise RuntimeError("This app has no gateway: call OAuthGateway(app) or gateway.init_app(app) first.") from None


#: The gateway of the current app.
current_gateway = cast("OAuthGateway", LocalProxy(_current_gateway))
