"""`OAUTH_PROTECT`: paths that need a token, by configuration alone."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_oauth_gateway import ConfigurationError, current_token, require_token
from flask_oauth_gateway.protection.path_patterns import readings
from flask_oauth_gateway.protection.paths import load_rules
from tests.support.app import bearer, refusal, register, server_of, token_for

RULES: list[dict[str, Any]] = [
    {"path": "/api/health", "scopes": None},
    {"path": "/api/reports/*", "methods": ["POST", "delete"], "scopes": "weather:read weather:write"},
    {"path": "/api/<user>/mail", "scopes": [], "grant_types": "password"},
    {"path": "/api/*", "scopes": ["weather:read"]},
    {"path": "/either/*/x", "any_of": ["weather:write", "other"]},
    {"path": "/maybe", "scopes": "weather:read", "optional": True},
]


def with_views(app: Flask, *paths: str, **options: Any) -> None:
    """Views that say who asks, as an app has them that knows nothing of tokens."""

    def view(**_: Any) -> str:
        return f"{request.method} {current_token.client_id if current_token else 'nobody'}"

    for path in paths:
        app.add_url_rule(path, f"view {path}", view, **options)


@pytest.fixture
def protected(make_app: Callable[..., Flask]) -> Flask:
    app = make_app(OAUTH_PROTECT=RULES)
    paths = ("/", "/api", "/api/health", "/api/items/<int:n>", "/api/<user>/mail", "/either/<x>/x", "/maybe", "/apis")
    with_views(app, *paths)
    with_views(app, "/api/reports/<path:p>", methods=["GET", "POST", "DELETE"])
    return app


def statuses(client: FlaskClient, method: str, *paths: str, **how: Any) -> list[int]:
    return [client.open(path, method=method, **how).status_code for path in paths]


def test_the_first_entry_that_fits_decides(protected: Flask) -> None:
    client = protected.test_client()
    closed = ("/api", "/api/items/5", "/api/anna/mail", "/either/1/x", "/api/reports/2026/may")
    assert statuses(client, "GET", *closed) == [401] * 5
    assert statuses(client, "GET", "/", "/apis", "/api/health", "/maybe") == [200] * 4
    made = register(protected)
    reader = bearer(token_for(client, made, scope="weather:read")["access_token"])
    writer = bearer(token_for(client, made, scope="weather:write")["access_token"])
    both = bearer(token_for(client, made)["access_token"])
    assert statuses(client, "GET", *closed, headers=reader) == [200, 200, 401, 403, 200]
    assert statuses(client, "GET", *closed, headers=writer) == [403, 403, 401, 200, 403]
    assert [client.post("/api/reports/x", headers=each).status_code for each in (reader, writer, both)] == [
        403,
        403,
        200,
    ]
    assert client.delete("/api/reports/x", headers=reader).status_code == 403
    assert client.get("/api/items/5", headers=reader).text == f"GET {made.client_id}"
    assert statuses(client, "GET", "/maybe", headers=bearer("bad")) == [401]
    refused = client.get("/api/items/5", headers=writer)
    refusal(refused, 403, "insufficient_scope")
    assert 'scope="weather:read"' in refused.headers["WWW-Authenticate"]


def test_head_is_as_get_a_preflight_passes_and_401_comes_before_404_and_405(protected: Flask) -> None:
    client = protected.test_client()
    preflight = {"Access-Control-Request-Method": "GET", "Origin": "https://app.example"}
    assert statuses(client, "HEAD", "/api/items/5", "/", "/api/health") == [401, 200, 200]
    assert statuses(client, "OPTIONS", "/api/items/5", "/") == [401, 200]
    assert statuses(client, "OPTIONS", "/api/items/5", headers=preflight) == [200]
    assert statuses(client, "GET", "/api/items/5", headers=preflight) == [401]
    assert statuses(client, "GET", "/api/none", "/api/no%0Ane", "/none") == [401, 401, 404]
    assert statuses(client, "PUT", "/api/items/5", "/") == [401, 405]
    token = bearer(token_for(client, register(protected))["access_token"])
    assert statuses(client, "GET", "/api/none", headers=token) == [404]
    assert statuses(client, "PUT", "/api/items/5", headers=token) == [405]


def test_the_gateway_s_own_endpoints_and_static_files_are_aside(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_PROTECT=[{"path": "/static/private/*", "scopes": []}, {"path": "/*", "scopes": []}])
    folder = Blueprint("docs", __name__, static_folder=".", static_url_path="/docs")
    app.register_blueprint(folder)
    with_views(app, "/static-like")
    client = app.test_client()
    token = token_for(client, register(app))["access_token"]
    assert client.get("/static-like", headers=bearer(token)).status_code == 200
    assert statuses(client, "GET", "/.well-known/oauth-authorization-server") == [200]
    for path in ("/oauth/static/pages.css", "/docs/test_paths.py"):
        with client.get(path) as found:
            assert found.status_code == 200
    assert statuses(client, "GET", "/static/none.css", "/oauth/none", "/static-like", "/") == [404, 404, 401, 401]
    assert statuses(client, "GET", "/static/private/x", "/static/a/../private/x") == [401, 401]


def test_a_view_that_is_only_called_like_a_static_folder_is_none(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_PROTECT=[{"path": "/*", "scopes": []}])
    app.add_url_rule("/secret", "other.static", lambda: "secret")
    bare = Blueprint("bare", __name__)
    bare.add_url_rule("/bare", "static", lambda: "secret")
    app.register_blueprint(bare)
    assert statuses(app.test_client(), "GET", "/secret", "/bare") == [401, 401]


def test_static_files_at_the_root_don_t_open_what_an_entry_names(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_PROTECT=[{"path": "/api/*"}])
    app.register_blueprint(Blueprint("root", __name__, static_folder=".", static_url_path=""))
    client = app.test_client()
    assert statuses(client, "GET", "/api/x", "/x", "/x/../api/x") == [401, 404, 401]


def test_a_decorated_view_is_asked_by_both_and_looked_up_once(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(OAUTH_PROTECT=[{"path": "/weather", "scopes": "weather:write"}])
    blueprint = Blueprint("more", __name__)
    app.extensions["oauth_gateway"].protect(blueprint, "weather:read")
    blueprint.add_url_rule("/weather/more", "more", require_token("weather:write")(lambda: "more"))
    app.register_blueprint(blueprint)
    client = app.test_client()
    made = register(app)
    tokens = [token_for(client, made, scope=s)["access_token"] for s in ("weather:read", "weather:write", "")]
    assert [client.get("/weather", headers=bearer(t)).status_code for t in tokens] == [403, 403, 200]
    looked_up: list[bytes] = []
    store = server_of(app).tokens
    find = store.find
    monkeypatch.setattr(store, "find", lambda token: looked_up.append(token) or find(token))
    assert statuses(client, "GET", "/weather", "/weather/more", headers=bearer(tokens[2])) == [200, 200]
    assert len(looked_up) == 2


def test_an_app_under_a_prefix_names_its_own_paths_and_before_request_knows_the_token(protected: Flask) -> None:
    seen: list[str] = []
    protected.before_request(lambda: seen.append(current_token.client_id) if current_token else None)
    client = protected.test_client()
    made = register(protected)
    token = bearer(token_for(client, made)["access_token"])
    assert client.get("/api/items/5", base_url="http://localhost/api/health").status_code == 401
    assert client.get("/api/items/5", base_url="http://localhost/mount", headers=token).status_code == 200
    assert seen == [made.client_id]


def build_maze(make_app: Callable[..., Flask], **options: Any) -> tuple[Flask, list[str]]:
    """An app with every kind of route, in which each protected view notes when it is reached without a token."""
    app = make_app(
        OAUTH_PROTECT=[
            {"path": "/open/*", "scopes": None},
            {"path": "/api/open", "scopes": None},
            {"path": "/api/*", "scopes": []},
            {"path": "/exact", "scopes": []},
            {"path": "/u/<name>/x", "scopes": []},
        ]
    )
    app.url_map.merge_slashes = options.pop("merge_slashes", True)
    reached: list[str] = []

    def secret(**_: Any) -> str:
        if not current_token:
            reached.append(request.path)
        return "secret"

    for number, path in enumerate(
        (
            "/api/",
            "/api/a",
            "/api/b/<x>",
            "/api/c/<path:p>",
            "/api/c/<path:p>/end",
            "/exact",
            "/u/<x>/x",
            "/api/i/<int:n>/",
        )
    ):
        app.add_url_rule(path, f"secret{number}", secret, **options)

    @app.get("/<path:p>")
    def files(p: str) -> str:
        # As send_from_directory does it.
        parts: list[str] = []
        for part in p.split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        if parts[:1] == ["api"] and parts != ["api", "open"] and not current_token:
            reached.append(request.path)
        return "file"

    return app, reached


PIECES = st.sampled_from(
    [
        "",
        "api",
        "a",
        "b",
        "c",
        "exact",
        "u",
        "x",
        "open",
        "end",
        "5",
        "i",
        ".",
        "..",
        ";",
        "..;",
        ";v=1",
        "%2e%2e",
        "%2f",
        "%5c",
        "\\",
        "API",
        "a%0a",
        "..%2f",
        "%252e",
        "%c3%a4",
        "%00",
        "?",
        "#",
    ]
)


def test_whatever_reaches_a_protected_view_was_asked_for_a_token(make_app: Callable[..., Flask]) -> None:
    mazes = [
        build_maze(make_app),
        build_maze(make_app, merge_slashes=False),
        build_maze(make_app, strict_slashes=False),
    ]

    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(PIECES, max_size=7), st.sampled_from(["GET", "HEAD", "get"]), st.sampled_from(["", "/", "//"]))
    def walk(pieces: list[str], method: str, end: str) -> None:
        from urllib.parse import unquote_to_bytes

        raw = "/" + "/".join(pieces) + end
        path = unquote_to_bytes(raw.partition("?")[0]).decode("latin-1")
        for app, reached in mazes:
            environ = {
                "REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
                "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
            }  # fmt: skip
            b"".join(app.wsgi_app(environ, lambda *_: None))  # type: ignore[arg-type, return-value]
            assert reached == []

    walk()


def test_a_path_is_read_in_every_way_that_somebody_might() -> None:
    assert readings("/api/x.y/.hidden") == {"/api/x.y/.hidden"}
    assert "/api/x" in readings("/open/../api/x")
    assert "/api/x" in readings("/open/..;v=1/api//x")
    assert "/api/x" in readings("/open\\..\\api\\x")
    assert {"/open/api/x", "/api/x"} <= readings("/open//../api/x")
    assert "/a" in readings("/../../a")


@pytest.mark.parametrize(
    ("entry", "where", "words"),
    [
        ({"scopes": []}, "", "'path' is missing"),
        ({"path": "/a", "scope": []}, "", "'scope' is not one"),
        ({"path": "api"}, "['path']", "a path such as"),
        ({"path": None}, "['path']", "a path such as"),
        ({"path": "/api/v*"}, "['path']", "a path such as"),
        ({"path": "/a//b"}, "['path']", "a path such as"),
        ({"path": "/a/../b"}, "['path']", "a path such as"),
        ({"path": "/a/%2e"}, "['path']", "a path such as"),
        ({"path": "/a?b"}, "['path']", "a path such as"),
        ({"path": "/<path:x>"}, "['path']", "a path such as"),
        ({"path": "/a", "methods": []}, "['methods']", "a list of methods"),
        ({"path": "/a", "methods": ["HEAD"]}, "['methods']", "HEAD goes with GET"),
        ({"path": "/a", "methods": 5}, "['methods']", "a list of methods"),
        ({"path": "/a", "host": "a:80"}, "['host']", "without a port"),
        ({"path": "/a", "scopes": 5}, "['scopes']", "a list of scopes"),
        ({"path": "/a", "scopes": ['a b']}, "", "is a name without spaces"),
        ({"path": "/a", "scopes": None, "audience": "x"}, "", "not both"),
        ({"path": "/a", "any_of": []}, "['any_of']", "a list of scopes"),
        ({"path": "/a", "optional": "no"}, "['optional']", "True or False"),
        ({"path": "/a", "max_age": True}, "['max_age']", "seconds"),
        ({"path": "/a", "audience": ["x"]}, "['audience']", "a text"),
    ],
)  # fmt: skip
def test_an_entry_that_can_t_be_is_refused_by_its_number(entry: dict[str, Any], where: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_rules([{"path": "/"}, entry])
    assert str(refused.value).startswith(f"OAUTH_PROTECT[1]{where} is ")
    assert words in str(refused.value)


def test_init_app_refuses_it_too_and_without_entries_asks_nothing(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_PROTECT\[0\]"):
        make_app(OAUTH_PROTECT=[{"path": "x"}])
    app = make_app()
    app.test_client().get("/weather")
    assert not app.before_request_funcs[None], "after the first request, which looks at the order of decorators"
