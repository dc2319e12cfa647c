"""`@require_token` above the route leaves a view open: the first request says so, and none is answered."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView

from flask_oauth_gateway import OAuthGateway, require_token
from flask_oauth_gateway.protection.order import ViewIsOpen
from tests.support.app import bare_app


@pytest.fixture
def app(tmp_path: Any) -> Flask:
    app = bare_app("order", instance_path=str(tmp_path), TESTING=True)
    OAuthGateway(app)
    return app


def status(app: Flask, path: str) -> int:
    return app.test_client().get(path).status_code


def test_the_wrong_order_is_an_error_that_names_the_view_and_shows_the_right_one(app: Flask) -> None:
    @require_token("weather:read")
    @app.get("/weather")
    def weather() -> str:
        return "open to everybody"

    for _ in range(2):
        with pytest.raises(ViewIsOpen) as error:
            app.test_client().get("/weather")
        assert "'weather' is open" in str(error.value)
        assert str(error.value).index("@app.get") < str(error.value).index("@require_token(…)")


def test_so_it_is_on_a_blueprint_and_without_arguments(app: Flask) -> None:
    blueprint = Blueprint("api", __name__)

    @require_token
    @blueprint.route("/weather")
    def weather() -> str:
        return "open to everybody"

    app.register_blueprint(blueprint)
    with pytest.raises(ViewIsOpen, match=r"api\.weather"):
        app.test_client().get("/elsewhere")


def logged(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return view(*arguments, **options)

    return wrapper


def test_the_right_order_is_none_with_other_decorators_around_it_too(app: Flask) -> None:
    @app.get("/weather")
    @logged
    @require_token("weather:read")
    @logged
    def weather() -> str:
        return "closed"

    class Things(MethodView):
        decorators = (require_token,)

        def get(self) -> str:
            return "closed"

    class Others(MethodView):
        @require_token
        def get(self) -> str:
            return "closed"

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    app.add_url_rule("/others", view_func=Others.as_view("others"))
    assert [status(app, path) for path in ("/weather", "/things", "/others")] == [401, 401, 401]


def test_a_function_that_is_open_at_one_address_and_closed_at_another_is_meant_so(app: Flask) -> None:
    def weather() -> str:
        return "sunny"

    app.add_url_rule("/open", "open", weather)
    app.add_url_rule("/closed", "closed", require_token(weather))
    assert [status(app, path) for path in ("/open", "/closed")] == [200, 401]


def test_a_requirement_that_is_lost_beside_a_weaker_one_is_an_error_too(app: Flask) -> None:
    """A blueprint that asks for any token, and a view in it that was to ask for more."""
    blueprint = Blueprint("api", __name__)
    app.extensions["oauth_gateway"].protect(blueprint)

    @require_token("weather:write")
    @blueprint.route("/weather")
    def weather() -> str:
        return "closed by the blueprint alone"

    app.register_blueprint(blueprint)
    with pytest.raises(ViewIsOpen, match=r"api\.weather"):
        app.test_client().get("/weather")


def test_so_is_one_above_the_route_and_another_below_it(app: Flask) -> None:
    @require_token("weather:write")
    @app.get("/weather")
    @require_token("weather:read")
    def weather() -> str:
        return "asks for too little"

    with pytest.raises(ViewIsOpen):
        app.test_client().get("/weather")


def report() -> str:
    return "of the module"


def test_what_one_app_closes_another_may_leave_open(tmp_path: Path) -> None:
    def create_app(*, protected: bool) -> Flask:
        app = bare_app("order", instance_path=str(tmp_path), TESTING=True)
        OAuthGateway(app)
        app.add_url_rule("/report", view_func=require_token("weather:read")(report) if protected else report)
        return app

    assert [status(create_app(protected=each), "/report") for each in (True, False, True)] == [401, 200, 401]


def test_every_function_that_runs_before_a_request_runs_before_the_first_too(app: Flask) -> None:
    """Those of the app that are registered after the gateway: a wall, a check of forms."""

    @app.before_request
    def wall() -> Any:
        return "nobody comes in", 403

    assert [status(app, "/oauth/jwks") for _ in range(3)] == [403, 403, 403]


def test_views_are_looked_at_once(app: Flask) -> None:
    assert status(app, "/nothing") == 404
    assert app.before_request_funcs.get(None) == []
