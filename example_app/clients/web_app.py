"""A web app with a server and a secret: the authorization code flow, through Authlib's Flask client.

Its tokens stay on the server; the browser holds only an identifier.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from .frame import make_client_app

CLIENT_ID = "weather-board"
SCOPE = "weather:read weather:write"
TIMEOUT = 10
MAX_TOKENS = 100


def make_app() -> Flask:
    app = make_client_app("weather_board", "/client")
    app.extensions["tokens"] = {}
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/login", "login", login)
    app.add_url_rule("/callback", "callback", callback)
    app.add_url_rule("/logout", "logout", logout, methods=["POST"])
    return app


def connect(app: Flask, url: str, server: str, client_secret: str) -> None:
    """Tell the app what an operator would write into its configuration."""
    try:
        from authlib.integrations.flask_client import OAuth
    except ModuleNotFoundError:  # Authlib's clients need requests, which the gateway does not
        return
    oauth = OAuth(app, update_token=lambda token, **_: keep(token))
    client = oauth.register(
        "gateway",
        client_id=CLIENT_ID,
        client_secret=client_secret,
        authorize_url=f"{server}/authorize",
        access_token_url=f"{server}/token",
        api_base_url=f"{url}/api/",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "default_timeout": TIMEOUT},
    )
    app.config.update(ISSUER=url, REVOCATION_ENDPOINT=f"{server}/revoke", GATEWAY=client)


def home() -> Any:
    """Show who is signed in, and what their token gives access to."""
    if "GATEWAY" not in current_app.config:
        return page(problem="not connected"), 503
    token = tokens().get(session.get("id", ""))
    if token is None:
        return page()
    gateway = current_app.config["GATEWAY"]
    me = gateway.get("me", token=token)
    if me.status_code != 200:
        forget()
        return page(problem="ended")
    weather = gateway.get("weather", token=token)
    return page(
        me=me.json(),
        weather=weather.json() if weather.status_code == 200 else None,
        token=tokens()[session["id"]],
    )


def login() -> Response:
    """Send the user to the server, with a fresh `state` and PKCE challenge, which Authlib keeps in the session."""
    if "GATEWAY" not in current_app.config:
        return redirect(url_for("home"))
    answer: Response = current_app.config["GATEWAY"].authorize_redirect(url_for("callback", _external=True))
    return answer


def callback() -> Any:
    """Trade the code that the server sent for a token. Authlib compares `state`; this view compares `iss` (RFC 9207)."""
    from authlib.integrations.flask_client import OAuthError

    if request.args.get("iss") != current_app.config.get("ISSUER"):
        return page(problem="This answer is not from the server that was asked."), 400
    try:
        token = current_app.config["GATEWAY"].authorize_access_token()
    except OAuthError as error:
        return page(problem=f"{error.error}: {error.description}"), 400
    session.clear()
    session["id"] = secrets.token_urlsafe(16)
    keep(token)
    return redirect(url_for("home"))


def logout() -> Response:
    """Revoke the refresh token, which ends all tokens of the approval (RFC 7009)."""
    import requests

    token = forget()
    if token is not None:
        gateway = current_app.config["GATEWAY"]
        requests.post(
            current_app.config["REVOCATION_ENDPOINT"],
            data={"token": token.get("refresh_token", token["access_token"])},
            auth=(gateway.client_id, gateway.client_secret),
            timeout=TIMEOUT,
        )
    return redirect(url_for("home"), 303)


def page(**context: Any) -> str:
    return render_template("client.html", **context)


def tokens() -> dict[str, Mapping[str, Any]]:
    """Return the tokens by session. Your app would keep them in its database, encrypted."""
    kept: dict[str, Mapping[str, Any]] = current_app.extensions["tokens"]
    return kept


def keep(token: Mapping[str, Any]) -> None:
    """Keep a token, new or refreshed, for this session."""
    kept = tokens()
    kept[session["id"]] = token
    while len(kept) > MAX_TOKENS:
        kept.pop(next(iter(kept)), None)


def forget() -> Mapping[str, Any] | None:
    """Forget this session's token, and return it."""
    token = tokens().pop(session.get("id", ""), None)
    session.clear()
    return token
