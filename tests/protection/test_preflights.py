"""CORS preflights carry no token, and anybody can send one: they reach nothing that answers them itself."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from werkzeug.test import Client

from tests.support.app import bearer, refusal, register, token_for

PREFLIGHT = {"Access-Control-Request-Method": "GET", "Origin": "https://app.example"}


class Own(MethodView):
    """A view that answers OPTIONS itself."""

    def get(self) -> str:
        return "got"

    def options(self) -> str:
        return "reached"


def with_views(app: Flask | Blueprint) -> None:
    app.add_url_rule("/function", "function", lambda: "reached", methods=["GET", "OPTIONS"])
    app.add_url_rule("/class", view_func=Own.as_view("own"))
    app.add_url_rule("/flask", "flask", lambda: "got")


@pytest.mark.parametrize("how", ["paths", "blueprint"])
def test_a_view_that_answers_options_itself_is_not_reached_by_a_preflight_s_header(
    make_app: Callable[..., Flask], how: str
) -> None:
    app = make_app(OAUTH_PROTECT=[{"path": "/api/*", "scopes": []}] if how == "paths" else [])
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    if how == "blueprint":
        app.extensions["oauth_gateway"].protect(blueprint)
    with_views(blueprint)
    app.register_blueprint(blueprint)
    client = app.test_client()
    for path, status in {"/api/function": 401, "/api/class": 401, "/api/flask": 200}.items():
        answer = client.options(path, headers=PREFLIGHT, data="hello")
        assert (answer.status_code, "reached" in answer.text) == (status, False), path
    token = bearer(token_for(client, register(app))["access_token"])
    assert client.options("/api/class", headers=PREFLIGHT | token).text == "reached"


def test_an_entry_may_open_a_view_s_options_or_ask_every_preflight(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        OAUTH_PROTECT=[
            {"path": "/class", "methods": ["OPTIONS"], "scopes": None},
            {"path": "/flask", "methods": ["GET", "OPTIONS"], "scopes": []},
            {"path": "/*", "scopes": []},
        ]
    )
    with_views(app)
    client = app.test_client()
    statuses = [client.options(path, headers=PREFLIGHT).status_code for path in ("/class", "/flask", "/function")]
    assert statuses == [200, 401, 401]


def test_behind_forward_auth_a_preflight_passes_unless_an_entry_names_its_method(
    make_app: Callable[..., Flask],
) -> None:
    rules = [{"path": "/own/*", "methods": ["GET", "OPTIONS"], "scopes": []}, {"path": "/*", "scopes": []}]
    client = make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=rules).test_client()

    def status(path: str, **told: str) -> int:
        return client.options(path, headers={"Access-Control-Request-Method": "GET", **told}).status_code

    named: list[dict[str, Any]] = [
        {"X-Original-URI": path, "X-Original-Method": "OPTIONS"} for path in ("/own/x", "/x")
    ]
    assert [status("/oauth/verify", **each) for each in named] == [401, 204]
    assert [status(f"/oauth/verify{path}") for path in ("/own/x", "/x")] == [401, 200]


def test_no_preflight_reaches_an_application_behind_a_token(app: Flask) -> None:
    seen: list[str] = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [])
        return [b"reached"]

    outside = Client(app.extensions["oauth_gateway"].wsgi(application, "weather:read"))
    refusal(outside.options("/", headers=PREFLIGHT, data="hello"), 401, "unauthorized")
    assert seen == []
