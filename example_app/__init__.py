"""The demo: a Flask app with a gateway, protected views, a page to sign in at, and clients. Not for production.

`python -m example_app` serves it and prints what to try; `python -m example_app.flows` walks the protocol's flows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, render_template

from flask_oauth_gateway import OAuthGateway

from . import api, clients, idp, login, mcp, spa
from .ca import CertificateAuthority
from .secret_key import secret_key_in
from .users import USERS, User, check_password

#: The demo turns all of them on, to show them. Your app needs only those that its clients use.
GRANT_TYPES = (
    "authorization_code", "client_credentials", "refresh_token", "device_code", "password", "implicit", "saml2_bearer",
    "jwt_bearer",
)  # fmt: skip
METHODS = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt", "tls_client_auth")
#: What apps may ask for, in words for users; and what one that asks for no more still can't do.
SCOPES = {
    "weather:read": {"description": "Read the weather", "not": "weather:write"},
    "weather:write": "Report the weather in your name",
}
#: What apps may ask for in detail.
DETAILS = {
    "payment": {"description": "Pay once from your account", "required": ["amount", "creditor"], "multiple": False}
}

#: The scopes that the sites behind nginx.conf ask for, by the sites' names. The app's own views have decorators.
PROTECT = (
    {"host": "archive.localhost", "path": "/public/*", "scopes": None},
    {"host": "archive.localhost", "path": "/*", "scopes": ["weather:read"]},
    {"host": "station.localhost", "path": "/*", "methods": ["GET"], "scopes": ["weather:read"]},
    {"host": "station.localhost", "path": "/*", "scopes": ["weather:write"]},
)

gateway = OAuthGateway()
gateway.current_user(login.signed_in_user)
gateway.login(login.send_to_login)
gateway.login_details(login.login_details)
gateway.logout(login.sign_out)
gateway.check_password(check_password)
gateway.is_admin(lambda user: user.is_admin)


@gateway.load_user
def load_user(subject: str) -> Any:
    """Return the user that a token names."""
    return USERS.get(subject)


@gateway.user_claims
def user_claims(user: User, scopes: frozenset[str]) -> dict[str, Any]:
    """Return all that the app knows of a user. The gateway lets out only what the user allowed."""
    return user.claims()


@gateway.authorization_detail("payment")
def payment(detail: dict[str, Any], client: Any, user: User) -> dict[str, Any]:
    """Return a payment as it is shown and granted: with the account that it is from."""
    return {**detail, "account": f"{user.name}'s account"}


def create_app(config: Mapping[str, Any] | None = None, *, instance_path: str | None = None) -> Flask:
    """Make the app; `config` overrides its settings. It stores its data in the instance folder, `instance/` here."""
    app = Flask("example_app", instance_path=instance_path)
    identity_provider, authority = idp.IdentityProvider(), CertificateAuthority()
    app.config.update(
        SESSION_COOKIE_NAME="example_app_session",  # cookies ignore ports: another app on this host has a "session" too
        SESSION_COOKIE_SAMESITE="Lax",
        OAUTH_SITE_NAME="Weather",  # what users call this site
        OAUTH_SITE_LOGO="/static/weather.svg",
        OAUTH_SCOPES=SCOPES,
        OAUTH_GRANT_TYPES=GRANT_TYPES,
        OAUTH_SAML_ISSUERS={idp.NAME: identity_provider.entry},
        OAUTH_JWT_ISSUERS={idp.JWT_NAME: identity_provider.jwt_entry},
        OAUTH_OIDC=True,  # programs sign their users in here
        OAUTH_AUTHORIZATION_CODE_LIFETIME=600,  # users of the playground read before the next step
        OAUTH_PAR=True,
        OAUTH_PAR_LIFETIME=600,
        OAUTH_DPOP=True,
        OAUTH_DPOP_LIFETIME=600,
        OAUTH_JAR=True,
        OAUTH_JARM=True,
        OAUTH_AUTHORIZATION_DETAILS=DETAILS,
        OAUTH_MTLS=True,
        OAUTH_MTLS_CERTIFICATE="nginx",
        OAUTH_MTLS_CA=[authority.certificate],
        OAUTH_CLIENT_AUTH_METHODS=METHODS,
        OAUTH_RATE_LIMITS={"register": "200/hour"},  # who walks through flows registers many clients
        OAUTH_ACR_VALUES=login.STRENGTHS,
        OAUTH_PERSONAL_TOKENS=True,
        OAUTH_DEVELOPER=True,
        OAUTH_DEVELOPER_APPROVAL=True,
        OAUTH_ADMIN=True,
        OAUTH_FORWARD_AUTH=True,
        OAUTH_PROTECT=PROTECT,
        OAUTH_REGISTRATION="open",  # programs that nobody here knows may register,
        OAUTH_CLIENT_ID_METADATA=True,  # or publish a document that says who they are
    )
    app.config.update(config or {})
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = secret_key_in(app.instance_path)
    gateway.init_app(app)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(login.blueprint)
    app.register_blueprint(mcp.blueprint)
    app.register_blueprint(spa.blueprint)
    app.register_blueprint(identity_provider.blueprint())
    app.register_blueprint(authority.blueprint())
    app.add_url_rule("/", "home", home)
    clients.mount(app)
    return app


def home() -> str:
    """Show who is signed in, and where to go from here."""
    return render_template("home.html")
