"""`gateway.wsgi`: other WSGI applications behind a token."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_oauth_gateway import OAuthGateway, current_token
from tests.support.app import bearer, refusal, register, token_for


class Streaming:
    """What an application answers: two pieces, and it wants to be closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.sent = 0
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.sent += 1
            yield piece

    def close(self) -> None:
        self.is_closed = True


class Application:
    """A plain WSGI application that keeps what it got."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answers: list[Streaming] = []

    def __call__(self, environ: Any, start_response: Any) -> Streaming:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.seen.append(environ)
        self.answers.append(Streaming([b"first ", body]))
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Own", "yes")])
        return self.answers[-1]

    @property
    def told(self) -> dict[str, Any]:
        return {name: value for name, value in self.seen[-1].items() if name.startswith("oauth.")}


@pytest.fixture
def inner() -> Application:
    return Application()


def test_an_application_is_reached_with_a_good_token_alone(app: Flask, client: FlaskClient, inner: Application) -> None:
    gateway = app.extensions["oauth_gateway"]
    outside = Client(DispatcherMiddleware(app.wsgi_app, {"/other": gateway.wsgi(inner, "weather:read")}))
    made = register(app)
    reader = gateway.tokens.issue(made.client_id, scope="weather:read", subject="alice", attributes={"region": "n"})
    refusal(outside.get("/other/x"), 401, "unauthorized")
    refused = outside.get("/other/x", headers=bearer("bad"))
    refusal(refused, 401, "invalid_token")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
    writer = token_for(client, made, scope="weather:write")["access_token"]
    refusal(outside.get("/other/x", headers=bearer(writer)), 403, "insufficient_scope")
    assert inner.seen == []
    answer = outside.post("/other/x?y=1", headers=bearer(reader["access_token"]), data=b"body")
    assert (answer.status_code, answer.text, answer.headers["X-Own"]) == (200, "first body", "yes")
    assert inner.told == {
        "oauth.client_id": made.client_id,
        "oauth.subject": "alice",
        "oauth.scopes": frozenset({"weather:read"}),
        "oauth.attributes": {"region": "n"},
    }
    environ = inner.seen[-1]
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/other", "/x", "y=1")
    assert outside.get("/weather", headers=bearer(reader["access_token"])).status_code == 200


def test_a_streamed_answer_passes_as_it_comes_and_is_closed(
    app: Flask, client: FlaskClient, inner: Application
) -> None:
    guarded = app.extensions["oauth_gateway"].wsgi(inner)
    token = token_for(client, register(app))["access_token"]
    outside = Client(guarded)
    answer = outside.get("/", headers=bearer(token), buffered=False)
    pieces = iter(answer.response)
    assert next(pieces) == b"first "
    assert not inner.answers[0].is_closed
    answer.close()
    assert inner.answers[0].is_closed


def test_nobody_can_say_by_a_header_who_he_is(app: Flask, client: FlaskClient, inner: Application) -> None:
    outside = Client(app.extensions["oauth_gateway"].wsgi(inner, optional=True))
    forged = {"OAuth.Subject": "admin", "oauth.client_id": "admin", "OAuth-Subject": "admin"}
    assert outside.get("/", headers=forged).status_code == 200
    nobody = {"oauth.client_id": None, "oauth.subject": None, "oauth.scopes": frozenset(), "oauth.attributes": {}}
    assert inner.told == nobody
    made = register(app)
    assert outside.get("/", headers=bearer(token_for(client, made)["access_token"])).status_code == 200
    assert inner.told["oauth.client_id"] == made.client_id
    assert outside.get("/", headers=bearer("bad")).status_code == 401
    preflight = {"Access-Control-Request-Method": "GET", "Origin": "https://app.example"}
    assert outside.options("/", headers=preflight).status_code == 200
    assert inner.told == nobody


def test_the_body_is_left_alone_wherever_tokens_may_come_from(
    make_app: Callable[..., Flask], inner: Application
) -> None:
    app = make_app(OAUTH_BEARER_METHODS=["header", "body", "query"])
    outside = Client(app.extensions["oauth_gateway"].wsgi(inner))
    token = token_for(app.test_client(), register(app))["access_token"]
    assert outside.post("/", data={"access_token": token}).status_code == 401
    assert outside.post("/", data={"a": "b"}, headers=bearer(token)).text == "first a=b"
    assert outside.post(f"/?access_token={token}", data={"a": "b"}).text == "first a=b"


def test_a_mounted_flask_app_sees_the_token_and_one_with_a_gateway_asks_for_its_own(
    app: Flask, client: FlaskClient, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    plain = Flask("plain")
    plain.add_url_rule("/", "home", lambda: current_token.client_id)
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    made = register(app)
    token = bearer(token_for(client, made)["access_token"])
    assert Client(gateway.wsgi(plain.wsgi_app)).get("/", headers=token).text == made.client_id
    other = make_app(OAUTH_DATABASE_URI=f"sqlite:///{tmp_path / 'other.db'}")
    assert Client(gateway.wsgi(other.wsgi_app)).get("/weather", headers=token).status_code == 401


def test_a_gateway_of_several_apps_wants_to_know_which(make_app: Callable[..., Flask], inner: Application) -> None:
    gateway = OAuthGateway()
    with pytest.raises(RuntimeError, match="on no app yet"):
        gateway.wsgi(inner)
    with pytest.raises(TypeError, match="without spaces"):
        make_app().extensions["oauth_gateway"].wsgi(inner, "two names")
