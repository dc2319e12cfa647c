"""Authlib's client drives every flow: its session for requests, and its Flask client in a web app."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.flask_client import OAuth, OAuthError
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, session, url_for

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.serving import DEVICE_CODE, Server, Walker, serving

REDIRECT_URI = "https://app.example/callback"


def session_of(registered: Client, **options: Any) -> OAuth2Session:
    return OAuth2Session(registered.client_id, registered.client_secret, redirect_uri=REDIRECT_URI, **options)


class TestAuthorizationCode:
    def test_from_the_approval_to_the_revocation(self, server: Server, alice: Walker) -> None:
        registered = server.register("authorization_code", "refresh_token", redirect_uris=[REDIRECT_URI])
        refreshed: list[dict[str, Any]] = []
        with session_of(
            registered,
            scope="weather:read",
            code_challenge_method="S256",
            token_endpoint=server.token,
            update_token=lambda token, **_: refreshed.append(token),
        ) as client:
            verifier = generate_token(48)
            url, state = client.create_authorization_url(server.authorize, code_verifier=verifier)
            back = alice.approve(url, REDIRECT_URI)
            assert parse_qs(urlsplit(back).query)["iss"] == [server.url]
            token = client.fetch_token(server.token, authorization_response=back, state=state, code_verifier=verifier)
            assert token["scope"] == "weather:read"
            assert client.get(server.me).json() == {"client": registered.client_id, "subject": "alice"}

            client.token = {**token, "expires_at": 1}  # an hour later
            assert client.get(server.me).status_code == 200
            assert refreshed[0]["refresh_token"] != token["refresh_token"]

            seen = client.introspect_token(server.introspect, token=client.token["access_token"]).json()
            assert (seen["active"], seen["sub"], seen["scope"]) == (True, "alice", "weather:read")
            assert client.revoke_token(server.revoke, token=client.token["refresh_token"]).status_code == 200
            assert client.get(server.me).status_code == 401

    def test_an_unticked_scope_is_not_in_the_token(self, server: Server, alice: Walker) -> None:
        registered = server.register("authorization_code", redirect_uris=[REDIRECT_URI])
        with session_of(registered, scope="weather:read weather:write", code_challenge_method="S256") as client:
            verifier = generate_token(48)
            url, state = client.create_authorization_url(server.authorize, code_verifier=verifier)
            back = alice.approve(url, REDIRECT_URI, without=("weather:write",))
            token = client.fetch_token(server.token, authorization_response=back, state=state, code_verifier=verifier)
        assert token["scope"] == "weather:read"

    def test_a_public_client(self, server: Server, alice: Walker) -> None:
        registered = server.register(
            "authorization_code", token_endpoint_auth_method="none", redirect_uris=[REDIRECT_URI]
        )
        with session_of(registered, token_endpoint_auth_method="none", code_challenge_method="S256") as client:
            verifier = generate_token(48)
            url, state = client.create_authorization_url(server.authorize, code_verifier=verifier)
            back = alice.approve(url, REDIRECT_URI)
            client.fetch_token(server.token, authorization_response=back, state=state, code_verifier=verifier)
            assert client.get(server.me).json()["subject"] == "alice"


class TestOtherGrants:
    def test_implicit(self, server: Server, alice: Walker) -> None:
        registered = server.register("implicit", token_endpoint_auth_method="none", redirect_uris=[REDIRECT_URI])
        with session_of(registered, scope="weather:read") as client:
            url, state = client.create_authorization_url(server.authorize, response_type="token")
            back = alice.approve(url, REDIRECT_URI)
            token = client.fetch_token(authorization_response=back, state=state)
            assert "refresh_token" not in token
            assert client.get(server.me).json()["subject"] == "alice"

    def test_password(self, server: Server) -> None:
        registered = server.register("password", "refresh_token")
        with session_of(registered, scope="weather:read") as client:
            client.fetch_token(server.token, username="alice", password="alice")
            assert client.get(server.me).json()["subject"] == "alice"
            old = client.token["access_token"]
            client.refresh_token(server.token)
            assert client.token["access_token"] != old

    def test_a_wrong_password(self, server: Server) -> None:
        with session_of(server.register("password")) as client, pytest.raises(Exception, match="invalid_grant"):
            client.fetch_token(server.token, username="alice", password="guessed")

    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    def test_client_credentials(self, server: Server, method: str) -> None:
        registered = server.register("client_credentials")
        with session_of(registered, token_endpoint_auth_method=method) as client:
            client.fetch_token(server.token, grant_type="client_credentials", scope="weather:read")
            assert client.get(server.me).json() == {"client": registered.client_id, "subject": None}
            assert client.revoke_token(server.revoke, token=client.token["access_token"]).status_code == 200
            assert client.get(server.me).status_code == 401

    def test_device_code(self, server: Server, alice: Walker) -> None:
        registered = server.register("device_code", token_endpoint_auth_method="none")
        answer = requests.post(server.device_authorization, {"client_id": registered.client_id}).json()
        with session_of(registered, token_endpoint_auth_method="none") as client:
            ask = {"grant_type": DEVICE_CODE, "device_code": answer["device_code"]}
            with pytest.raises(Exception, match="authorization_pending"):
                client.fetch_token(server.token, **ask)
            alice.connect_device(answer["verification_uri"], answer["user_code"])
            client.fetch_token(server.token, **ask)
            assert client.get(server.me).json()["subject"] == "alice"


class TestFlaskClient:
    """A web app of somebody's, with Authlib's `OAuth`, on an address of its own."""

    def build(self, server: Server, registered: Client, **client_kwargs: Any) -> Flask:
        app = Flask("web_app")
        app.config.update(SECRET_KEY="of the client", SESSION_COOKIE_NAME="web_app")
        oauth = OAuth(app)
        gateway = oauth.register(
            "gateway",
            client_id=registered.client_id,
            client_secret=registered.client_secret,
            authorize_url=server.authorize,
            access_token_url=server.token,
            api_base_url=f"{server.url}/",
            client_kwargs={"scope": "weather:read", "code_challenge_method": "S256", **client_kwargs},
        )

        @app.get("/login")
        def login() -> Any:
            return gateway.authorize_redirect(url_for("callback", _external=True))

        @app.get("/callback")
        def callback() -> Any:
            try:
                session["token"] = gateway.authorize_access_token()
            except OAuthError as error:
                return {"error": error.error}, 400
            return gateway.get("me", token=session["token"]).json()

        return app

    def test_somebody_signs_in_to_a_web_app(self, server: Server, alice: Walker) -> None:
        registered = server.register("authorization_code", redirect_uris=["http://127.0.0.1/callback"])
        with serving(lambda _: self.build(server, registered)) as (url, _):
            assert alice.browse(f"{url}/login").json() == {"client": registered.client_id, "subject": "alice"}
            again = alice.browse(f"{url}/login")  # she is known by now, and what she granted is remembered
            assert again.json()["subject"] == "alice"

    def test_an_answer_to_somebody_else_is_refused(self, server: Server, alice: Walker) -> None:
        registered = server.register("authorization_code", redirect_uris=["http://127.0.0.1/callback"])
        with serving(lambda _: self.build(server, registered)) as (url, _):
            started = requests.get(f"{url}/login", allow_redirects=False)
            back = alice.approve(started.headers["Location"], f"{url}/callback")
            assert requests.get(back).json() == {"error": "mismatching_state"}

    def test_a_refusal_is_an_error_to_the_client(self, server: Server, alice: Walker) -> None:
        registered = server.register("authorization_code", redirect_uris=["http://127.0.0.1/callback"])
        with serving(lambda _: self.build(server, registered)) as (url, _):
            assert alice.browse(f"{url}/login", decision="deny").json() == {"error": "access_denied"}
