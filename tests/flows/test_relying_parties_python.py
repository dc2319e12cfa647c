"""Relying parties in Python sign alice in: Authlib's Flask client, idpyoidc, and python-social-auth's OpenIdConnectAuth."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, url_for

from tests.support.app import bare_app
from tests.support.serving import Server, Walker, serving

OPENID = "openid profile email"
CODE = ("authorization_code", "refresh_token")


def register(provider: Server, redirect_uri: str, **metadata: Any) -> Any:
    return provider.register(*CODE, **{"redirect_uris": [redirect_uri], "scope": OPENID} | metadata)


def test_authlib_s_flask_client(provider: Server, alice: Walker) -> None:
    def build(url: str) -> Flask:
        registered = register(provider, f"{url}/callback")
        app = bare_app("dashboard", SESSION_COOKIE_NAME="dashboard")
        ours = OAuth(app).register(
            "ours",
            server_metadata_url=f"{provider.url}/.well-known/openid-configuration",
            client_id=registered.client_id,
            client_secret=registered.client_secret,
            client_kwargs={"scope": OPENID, "code_challenge_method": "S256"},
        )
        app.add_url_rule("/login", "login", lambda: ours.authorize_redirect(url_for("callback", _external=True)))

        @app.get("/callback")
        def callback() -> dict[str, Any]:
            token = ours.authorize_access_token()
            return {"claims": token["userinfo"], "userinfo": ours.userinfo(token=token)}

        return app

    with serving(build) as (url, _):
        told = alice.browse(f"{url}/login").json()
    assert (told["claims"]["iss"], told["claims"]["sub"]) == (provider.url, "alice")
    assert told["claims"]["nonce"]
    assert told["userinfo"] == {"sub": "alice", "name": "Alice", "email": "alice@example.com"}


def test_idpyoidc(provider: Server, alice: Walker) -> None:
    from cryptojwt import KeyJar  # here, as these take a while
    from idpyoidc.client.rp_handler import RPHandler

    redirect_uri = "https://app.example/callback"
    registered = register(provider, redirect_uri)
    config = {
        "client_type": "oidc",
        "issuer": provider.url,
        "client_id": registered.client_id,
        "client_secret": registered.client_secret,
        "redirect_uris": [redirect_uri],
        "response_types": ["code"],
        "client_authn_methods": ["client_secret_basic"],
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
    }
    handler = RPHandler(
        "https://app.example", client_configs={provider.url: config}, keyjar=KeyJar(), httpc=requests.request
    )
    back = alice.approve(handler.begin(provider.url, req_args={"scope": OPENID.split()}), redirect_uri)
    answer = dict(parse_qsl(urlsplit(back).query))
    told = handler.finalize(provider.url, answer)
    assert "error" not in told, told
    assert told["id_token"]["sub"] == "alice"
    assert (told["userinfo"]["name"], told["userinfo"]["email"]) == ("Alice", "alice@example.com")
    assert handler.refresh_access_token(answer["state"])["access_token"] not in ("", told["token"])


def test_python_social_auth(provider: Server, alice: Walker) -> None:
    from tests.support.social_auth import Associations, Nonces, add_views

    def build(url: str) -> Flask:
        registered = register(provider, f"{url}/complete/oidc/")
        app = bare_app("django_like", SESSION_COOKIE_NAME="social")
        settings = {
            "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT": provider.url,
            "SOCIAL_AUTH_OIDC_KEY": registered.client_id,
            "SOCIAL_AUTH_OIDC_SECRET": registered.client_secret,
            "SOCIAL_AUTH_OIDC_USE_PKCE": True,
        }
        add_views(app, settings, f"{url}/complete/oidc/")
        return app

    with serving(build) as (url, _):
        told = alice.browse(f"{url}/login/oidc/").json()
    assert told["claims"]["sub"] == "alice"
    assert (told["details"]["fullname"], told["details"]["email"]) == ("Alice", "alice@example.com")
    assert Associations.kept == Nonces.kept == {}, "the nonce and the state were used up"
