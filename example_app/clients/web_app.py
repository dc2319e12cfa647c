"""A web app whose users sign in by OpenID Connect, through Authlib's Flask client. It has a server and a secret.

Who is signed in, and their tokens, stay on the server; the browser holds only an identifier.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, redirect, render_template, request, session, url_for
from joserfc.errors import InvalidKeyIdError, JoseError
from werkzeug.wrappers import Response

from .frame import make_client_app
from .logout_token import LogoutTokens

CLIENT_ID = "weather-board"
SCOPE = "openid profile email weather:read weather:write"
TIMEOUT = 10
MAX_VISITS = 100


@dataclass
class Visit:
    """One sign-in: the user's claims, those of the ID token, and the tokens. Your app would keep it in its database."""

    user: Mapping[str, Any]
    id_token: Mapping[str, Any]
    token: Mapping[str, Any]


def make_app() -> Flask:
    app = make_client_app("weather_board", "/client")
    app.extensions["visits"] = {}
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/login", "login", login)
    app.add_url_rule("/callback", "callback", callback)
    app.add_url_rule("/logout", "logout", logout, methods=["POST"])
    app.add_url_rule("/signed-out", "signed_out", signed_out)
    app.add_url_rule("/backchannel-logout", "backchannel_logout", backchannel_logout, methods=["POST"])
    return app


def connect(app: Flask, issuer: str, client_secret: str) -> None:
    """Tell the app what an operator would write into its configuration."""
    try:
        from authlib.integrations.flask_client import OAuth
    except ModuleNotFoundError:  # Authlib's clients need requests, which the gateway does not
        return
    oauth = OAuth(app, update_token=refreshed)
    client = oauth.register(
        "gateway",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=CLIENT_ID,
        client_secret=client_secret,
        api_base_url=f"{issuer}/api/",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "default_timeout": TIMEOUT},
    )
    app.config.update(ISSUER=issuer, GATEWAY=client, LOGOUT_TOKENS=LogoutTokens(issuer, CLIENT_ID))


def home() -> Any:
    """Show who is signed in, and the weather, which their token gives access to."""
    if "GATEWAY" not in current_app.config:
        return page(problem="not connected"), 503
    visit = visits().get(session.get("id", ""))
    if visit is None:
        return page()
    weather = current_app.config["GATEWAY"].get("weather", token=visit.token)
    if weather.status_code == 401:
        forget()
        return page(problem="ended")
    return page(visit=visit, weather=weather.json() if weather.status_code == 200 else None)


def login() -> Response:
    """Send the user to the server, with a fresh `state`, nonce and PKCE challenge, which Authlib keeps in the session."""
    if "GATEWAY" not in current_app.config:
        return redirect(url_for("home"))
    answer: Response = current_app.config["GATEWAY"].authorize_redirect(url_for("callback", _external=True))
    return answer


def callback() -> Any:
    """Trade the code that the server sent for tokens, and sign the user in.

    Authlib compares `state`, and checks the ID token: signature, issuer, audience, times, nonce, `at_hash`. This view compares
    the issuer of the answer (RFC 9207), and that both are about the same user (OIDC Core section 5.3.2).
    """
    from authlib.integrations.flask_client import OAuthError

    gateway = current_app.config.get("GATEWAY")
    if gateway is None or request.args.get("iss") != current_app.config["ISSUER"]:
        return page(problem="This answer is not from the server that was asked."), 400
    try:
        token = gateway.authorize_access_token()
    except OAuthError as error:
        return page(problem=f"{error.error}: {error.description}"), 400
    except JoseError as error:
        return page(problem=f"The ID token can't be trusted: {error}"), 400
    id_token, user = token.pop("userinfo"), gateway.userinfo(token=token)
    if user["sub"] != id_token["sub"]:
        return page(problem="The server speaks of two different users."), 400
    session.clear()  # keep nothing of whoever was here before
    session["id"] = secrets.token_urlsafe(16)
    keep(session["id"], Visit(user, id_token, token))
    return redirect(url_for("home"))


def logout() -> Response:
    """Sign the user out here, and send them to the server, to be signed out there too (RP-Initiated Logout section 2).

    The ID token shows the server that this is no link that anybody wrote: so it asks nothing.
    """
    visit = forget()
    if visit is None:
        return redirect(url_for("home"), 303)
    answer: Response = current_app.config["GATEWAY"].logout_redirect(
        url_for("signed_out", _external=True), id_token_hint=visit.token["id_token"]
    )
    return answer


def signed_out() -> Any:
    """Handle the way back. Authlib compares `state`: a link from elsewhere says nothing of whether anybody signed out."""
    from authlib.integrations.flask_client import OAuthError

    try:
        current_app.config["GATEWAY"].validate_logout_response()
    except (KeyError, OAuthError):
        return page(problem="Nobody asked for this here."), 400
    return redirect(url_for("home"))


def backchannel_logout() -> Any:
    """Handle the server's own call, when a session has ended there (Back-Channel Logout sections 2.5 to 2.8).

    It has no cookies of the user's: what it says must be checked, and then all sessions that it names end.
    """
    if "GATEWAY" not in current_app.config:
        return {"error": "server_error"}, 503
    gateway, logout_tokens = current_app.config["GATEWAY"], current_app.config["LOGOUT_TOKENS"]
    text = request.form.get("logout_token", "")
    try:
        try:
            claims = logout_tokens.read(text, gateway.fetch_jwk_set())
        except InvalidKeyIdError:  # the server has a new key
            claims = logout_tokens.read(text, gateway.fetch_jwk_set(force=True))
    except (JoseError, ValueError) as error:
        return {"error": "invalid_request", "error_description": str(error)}, 400
    named = {name: claims[name] for name in ("sid", "sub") if name in claims}
    for identity, visit in list(visits().items()):
        if named.items() <= visit.id_token.items():
            visits().pop(identity, None)
    return "", 200, {"Cache-Control": "no-store"}


def page(**context: Any) -> str:
    return render_template("client.html", **context)


def visits() -> dict[str, Visit]:
    """Return who is signed in, by what their browsers' sessions hold."""
    kept: dict[str, Visit] = current_app.extensions["visits"]
    return kept


def keep(identity: str, visit: Visit) -> None:
    kept = visits()
    kept[identity] = visit
    while len(kept) > MAX_VISITS:
        kept.pop(next(iter(kept)), None)


def refreshed(token: Mapping[str, Any], **_: Any) -> None:
    """Keep new tokens: Authlib gets them by itself when the access token has ended."""
    visit = visits().get(session["id"])
    if visit is not None:
        visit.token = token


def forget() -> Visit | None:
    """Sign this browser's user out, and return who that was."""
    visit = visits().pop(session.get("id", ""), None)
    session.clear()
    return visit
