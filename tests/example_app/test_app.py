"""The example app's own views."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app import create_app
from example_app.seed import seed
from tests.support.app import basic, bearer, close_app

pytest_plugins = ["flask_oauth_gateway.testing"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app({"TESTING": True}, instance_path=str(tmp_path / "instance"))
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def sign_in(client: FlaskClient, username: str = "alice", password: str = "alice", **fields: str) -> TestResponse:
    page = client.get("/login").text
    csrf_token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    return client.post("/login", data={"csrf_token": csrf_token, "username": username, "password": password, **fields})


class TestApi:
    def test_the_seeded_client_reads_the_weather(self, app: Flask, client: FlaskClient) -> None:
        headers = basic("weather-station", seed(app)["weather-station"])
        token = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        weather = client.get("/api/weather", headers=bearer(token.get_json()["access_token"]))
        assert weather.get_json() == {"for": "weather-station", "sky": "clear", "temperature": 21}

    def test_the_weather_needs_the_scope(self, authorized_client: Callable[..., FlaskClient]) -> None:
        assert authorized_client("weather:read").get("/api/weather").status_code == 200
        response = authorized_client("weather:write").get("/api/weather")
        assert (response.status_code, response.get_json()["error"]) == (403, "insufficient_scope")

    def test_the_weather_is_reported_in_somebodys_name(self, authorized_client: Callable[..., FlaskClient]) -> None:
        client = authorized_client("weather:write", subject="alice")
        assert client.post("/api/weather", data={"sky": "grey"}).get_json() == {"by": "alice", "sky": "grey"}

    def test_mcp_clients_are_asked_for_a_bearer_token_first(self, client: FlaskClient) -> None:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        challenges = [client.post("/mcp", json=message), client.get("/api/weather")]
        asked, usual = (each.headers["WWW-Authenticate"] for each in challenges)
        assert asked.startswith('Bearer realm="oauth", ')
        assert "DPoP" not in asked
        assert usual.startswith('DPoP realm="oauth", ')

    def test_me_is_the_user(self, authorized_client: Callable[..., FlaskClient]) -> None:
        response = authorized_client(subject="alice", client_id="spa").get("/api/me")
        assert response.get_json() == {"subject": "alice", "name": "Alice Archer", "client": "spa"}

    @pytest.mark.parametrize("subject", [None, "mallory"])
    def test_me_refuses_a_token_that_is_no_users(
        self, authorized_client: Callable[..., FlaskClient], subject: str | None
    ) -> None:
        response = authorized_client(subject=subject).get("/api/me")
        assert response.status_code == 403
        assert response.get_json()["error"] == "insufficient_scope"
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]

    def test_me_asks_for_a_token(self, client: FlaskClient) -> None:
        assert client.get("/api/me").status_code == 401


class TestSignIn:
    @pytest.mark.parametrize(("username", "name"), [("alice", "Alice Archer"), ("bob", "Bob Baker")])
    def test_a_user_signs_in_and_out(self, client: FlaskClient, username: str, name: str) -> None:
        response = sign_in(client, username, username)
        assert (response.status_code, response.location) == (303, "/")
        page = client.get("/").text
        assert f"signed in as {name}" in page
        csrf_token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
        assert client.post("/logout", data={"csrf_token": csrf_token}).status_code == 303
        assert "Nobody is signed in" in client.get("/").text

    @pytest.mark.parametrize(("username", "password"), [("alice", "bob"), ("mallory", "mallory"), ("", ""), ("é", "é")])
    def test_a_wrong_password_signs_nobody_in(self, client: FlaskClient, username: str, password: str) -> None:
        response = sign_in(client, username, password)
        assert response.status_code == 401
        assert "go together" in response.text
        assert "Nobody is signed in" in client.get("/").text

    @pytest.mark.parametrize("path", ["/login", "/logout"])
    @pytest.mark.parametrize("csrf_token", [None, "", "guessed", "é"])
    def test_a_form_from_elsewhere_does_nothing(self, client: FlaskClient, path: str, csrf_token: str | None) -> None:
        sign_in(client, "alice", "alice")
        data = {"username": "bob", "password": "bob"} | ({} if csrf_token is None else {"csrf_token": csrf_token})
        assert client.post(path, data=data).status_code == 400
        assert "signed in as Alice Archer" in client.get("/").text

    def test_a_link_alone_signs_nobody_out(self, client: FlaskClient) -> None:
        sign_in(client)
        assert client.get("/logout").status_code == 200
        assert "signed in as Alice Archer" in client.get("/").text

    def test_the_session_begins_anew(self, client: FlaskClient) -> None:
        with client.session_transaction() as session:
            session["left_by"] = "whoever sat here before"
        sign_in(client)
        with client.session_transaction() as session:
            assert session.keys() == {"user", "signed_in_at", "strength"}

    def test_what_was_typed_comes_back_as_text(self, client: FlaskClient) -> None:
        assert '"><script>' not in sign_in(client, '"><script>').text

    def test_the_page_names_the_demo_users_and_can_be_framed_by_nobody(self, client: FlaskClient) -> None:
        response = client.get("/login")
        assert "<code>alice</code>" in response.text
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert "script" not in response.text

    def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(self, client: FlaskClient) -> None:
        cookie = client.get("/login").headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


class TestNext:
    """Where the sign-in leads: a path on this site, whatever the link said that brought somebody here."""

    @pytest.mark.parametrize(
        "path", ["/", "/api/me", "/oauth/authorize?client_id=a%20b&state=%2F%2Fevil.example", "/%09/evil.example"]
    )
    def test_a_path_on_this_site_is_where_it_leads(self, client: FlaskClient, path: str) -> None:
        assert sign_in(client, next=path).location == path

    @pytest.mark.parametrize(
        "target",
        [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "/\x00/evil.example",
            "/\x0b/evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "evil.example",
            "@evil.example",
            "/api\\..\\evil",
            "/\N{FULLWIDTH SOLIDUS}evil.example",
            "/\N{NO-BREAK SPACE}/evil.example",
        ],
    )
    def test_anything_else_leads_home(self, client: FlaskClient, target: str) -> None:
        assert sign_in(client, next=target).location == "/"

    @pytest.mark.parametrize("query", ["/%09/evil.example", "%2F%2Fevil.example", "/%5Cevil.example", "/%0D%0A/evil"])
    def test_the_form_carries_only_what_it_would_follow(self, client: FlaskClient, query: str) -> None:
        assert 'name="next" value="/"' in client.get(f"/login?next={query}").text

    def test_the_form_carries_the_way_back(self, client: FlaskClient) -> None:
        assert 'name="next" value="/api/me?a=1"' in client.get("/login?next=/api/me%3Fa=1").text


class TestFactory:
    def test_the_callers_configuration_wins(self, tmp_path: Path) -> None:
        app = create_app({"SECRET_KEY": "mine", "OAUTH_URL_PREFIX": "/auth"}, instance_path=str(tmp_path / "instance"))
        assert app.secret_key == "mine"
        assert app.test_client().post("/auth/token").status_code == 400
        assert not (tmp_path / "instance" / "secret_key").exists()
        close_app(app)

    def test_seeding_again_keeps_the_clients_and_their_secrets(self, app: Flask, client: FlaskClient) -> None:
        def status(secret: str) -> int:
            form = {"grant_type": "client_credentials"}
            return client.post("/oauth/token", data=form, headers=basic("weather-station", secret)).status_code

        first = seed(app)
        assert seed(app) == first
        with app.app_context():
            clients = app.extensions["oauth_gateway"].clients
            assert len(clients.get("weather-station").secrets) == 1
            mine = clients.rotate_secret("weather-station").client_secret
        assert [status(mine), status(first["weather-station"])] == [200, 401]
        assert seed(app) == first
        assert [status(mine), status(first["weather-station"])] == [200, 200]
