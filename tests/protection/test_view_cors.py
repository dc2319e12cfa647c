"""MCP clients that run in a browser call the views of a `gateway.resource`: CORS, which the app's own never loses to."""

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask, Response
from flask_cors import CORS, cross_origin

from flask_oauth_gateway import require_token
from tests.support.app import bearer, gateway_of, register, token_for

ORIGIN = {"Origin": "https://inspector.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST"}
ALLOWED = "Access-Control-Allow-Origin"


def with_view(app: Flask) -> Flask:
    gateway_of(app).resource("/mcp")
    for path in ("/mcp", "/mcp/x", "/mcpx"):
        app.add_url_rule(path, path, require_token(lambda: "called"), methods=["POST", "DELETE"])
    return app


def test_a_browser_may_call_what_is_at_the_path_and_below(make_app: Callable[..., Flask]) -> None:
    app = with_view(make_app())
    http = app.test_client()
    token = bearer(token_for(http, register(app))["access_token"])
    for path in ("/mcp", "/mcp/x"):
        preflight = http.options(path, headers=PREFLIGHT)
        assert (preflight.status_code, preflight.headers[ALLOWED]) == (200, "*")
        assert {"POST", "DELETE"} <= set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
        for name in (
            "authorization",
            "content-type",
            "dpop",
            "last-event-id",
            "mcp-protocol-version",
            "mcp-session-id",
        ):
            assert name in allowed
        for answer in (
            http.post(path, headers=ORIGIN),
            http.post(path, headers=ORIGIN | token),
            http.get(path, headers=ORIGIN),
        ):
            assert answer.headers[ALLOWED] == "*"
            assert {"WWW-Authenticate", "Mcp-Session-Id", "DPoP-Nonce"} <= set(
                answer.headers["Access-Control-Expose-Headers"].split(", ")
            )
            assert "Access-Control-Allow-Credentials" not in answer.headers
        assert ALLOWED not in http.post(path, headers=token).headers
    for path in ("/mcpx", "/weather"):
        assert ALLOWED not in http.post(path, headers=ORIGIN).headers


def test_the_setting_says_which_origins(make_app: Callable[..., Flask]) -> None:
    http = with_view(make_app(OAUTH_CORS_ORIGINS=[ORIGIN["Origin"]])).test_client()
    for headers, allowed in ((ORIGIN, ORIGIN["Origin"]), ({"Origin": "https://evil.example"}, None)):
        answer = http.post("/mcp", headers=headers)
        assert answer.headers.get(ALLOWED) == allowed
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("order", ["before", "after", "blueprint", "view", "by itself"])
def test_what_the_app_says_itself_stays(make_app: Callable[..., Flask], order: str) -> None:
    app = make_app()
    api = Blueprint("api", __name__)
    view = require_token(lambda: "called")
    if order == "before":
        CORS(app, origins=["https://own.example"])
    elif order == "view":
        view = cross_origin(origins=["https://own.example"])(view)
    elif order == "blueprint":
        CORS(api, origins=["https://own.example"])
    gateway_of(app).resource("/mcp")
    if order == "after":
        CORS(app, origins=["https://own.example"])
    elif order == "by itself":

        @app.after_request
        def own(response: Response) -> Response:
            response.headers[ALLOWED] = "https://own.example"
            return response

    api.add_url_rule("/mcp", "mcp", view, methods=["POST", "OPTIONS"] if order == "view" else ["POST"])
    app.register_blueprint(api)
    for sent, allowed in (("https://own.example", "https://own.example"), ("https://inspector.example", None)):
        answer = app.test_client().post("/mcp", headers={"Origin": sent})
        assert answer.headers.get(ALLOWED) == (allowed if order != "by itself" else "https://own.example")
        assert answer.status_code == 401
