"""`flask oauth routes`: what each route asks for, and which are open."""

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask
from flask.views import MethodView

from flask_oauth_gateway import require_token

PROTECT: list[dict[str, Any]] = [
    {"path": "/health", "scopes": None},
    {"path": "/items/*", "methods": ["POST"], "scopes": ["weather:write"]},
    {"path": "/items/*", "scopes": []},
]


class Station(MethodView):
    decorators = (require_token(any_of=("weather:read", "weather:write"), max_age=60),)

    def get(self) -> str:
        return ""


class Sensor(MethodView):
    @require_token("weather:read")
    def get(self) -> str:
        return ""

    @require_token("weather:write")
    def put(self) -> str:
        return ""


def app_with_routes(make_app: Callable[..., Flask]) -> Flask:
    app = make_app(OAUTH_PROTECT=PROTECT)
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__)
    app.extensions["oauth_gateway"].protect(outer, "weather:read")
    inner.add_url_rule("/inner", "view", str)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    for path in ("/health", "/other/<name>", "/items/<path:name>"):
        app.add_url_rule(path, path[1:6], str, methods=["GET", "POST"])
    app.add_url_rule("/maybe", "maybe", require_token(optional=True)(str))
    app.add_url_rule("/station", "station", Station.as_view("station"))
    app.add_url_rule("/sensor", "sensor", Sensor.as_view("sensor"))
    return app


def test_every_route_is_listed_with_what_it_asks_for(make_app: Callable[..., Flask]) -> None:
    runner = app_with_routes(make_app).test_cli_runner()
    result = runner.invoke(args=["oauth", "routes"])
    assert result.exit_code == 0, result.output
    shown = {" ".join(line.split()) for line in result.stdout.splitlines()}
    assert shown >= {
        "METHODS PATH ENDPOINT ASKS FOR",
        "GET /weather weather weather:read (require_token)",
        "GET /outer/inner outer.inner.view weather:read (blueprint outer)",
        "GET POST /health healt open (OAUTH_PROTECT[0])",
        "GET POST /other/<name> other OPEN",
        "GET /items/<path:name> items any token (OAUTH_PROTECT[2])",
        "POST /items/<path:name> items weather:write (OAUTH_PROTECT[1])",
        "GET /maybe maybe optional: any token (require_token)",
        "GET /station station any_of=['weather:read', 'weather:write'] max_age=60 (require_token)",
        "GET /sensor sensor weather:read (require_token)",
        "PUT /sensor sensor weather:write (require_token)",
        "GET /static/<path:filename> static (static files)",
        "POST /oauth/token oauth.token (the gateway's own)",
    }
    listed = json.loads(runner.invoke(args=["oauth", "routes", "--json"]).stdout)
    (weather,) = (each for each in listed if each["path"] == "/weather")
    assert weather == {
        "path": "/weather", "endpoint": "weather", "methods": ["GET"], "kind": "protected",
        "asks": [{"by": "require_token", "scopes": ["weather:read"]}],
    }  # fmt: skip


def test_for_ci_open_routes_are_an_error(make_app: Callable[..., Flask]) -> None:
    app = app_with_routes(make_app)
    result = app.test_cli_runner().invoke(args=["oauth", "routes", "--open", "--json"])
    assert result.exit_code == 1
    assert [each["path"] for each in json.loads(result.stdout)] == ["/other/<name>"]
    assert result.stderr == "Error: 1 route is open.\n"
    sound = make_app().test_cli_runner().invoke(args=["oauth", "routes", "--open"])
    assert sound.exit_code == 0, sound.output
