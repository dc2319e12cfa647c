"""Paths that one server reads otherwise than another: no spelling of a closed path finds it open."""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway.protection.path_patterns import readings
from tests.support.app import bearer, register, token_for

#: Each is `/admin/x` to some server. On Windows dots and spaces at a name's end don't count, nor does the name of a
#: stream; some servers cut parameters, others normalise characters, or what they decoded.
ADMIN = [
    "/admin./x", "/admin.../x", "/admin%2e/x", "/admin%20/x", "/admin%20%2e/x", "/admin%20.%20/x", "/%20admin/x",
    "/admin%09/x", "/admin%0d%0a/x", "/admin%c2%a0/x", "/admin%e3%80%80/x", "/admin%e2%80%83/x", "/admin%c2%85/x",
    "/admin%e2%80%8b/x", "/admin%ef%bb%bf/x", "/admin%c2%ad/x", "/admin;a=b/x", "/admin;a./x", "/admin.;a/x",
    "/admin%3ba/x", "/admin%20;a/x", "/admin::$DATA", "/admin:$i30:$INDEX_ALLOCATION/x", "/admin%5cx", "/admin.%5cx",
    "/.//admin/x", "/./admin/x", "/a/../admin/x", "/a/..%20/admin/x", "/a/.%20./admin/x",
    "/.../admin/x", "/a/%e2%80%a4%e2%80%a4/admin/x", "/%ef%bd%81dmin/x", "/admin%ef%bc%8fx",
    "/a/..%ef%bc%bcadmin/x",
]  # fmt: skip
#: The upstream alone decides whether these are `/admin/x`.
UPSTREAMS_ADMIN = [
    "/admin%2520/x",
    "/admin%252e/x",
    "//admin/x",
    "/%2fadmin/x",
    "/ADMIN/x",
    "/adm%c4%b1n/x",
    "/admin%00/x",
]
USUAL = ["/other/x", "/x.y/.well/a%20b", "/caf%c3%a9/x.", "/a:b/$c"]


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    rules = [{"path": "/admin/*", "scopes": ["weather:write"]}, {"path": "/*", "scopes": None}]
    app = make_app(OAUTH_PROTECT=rules, OAUTH_FORWARD_AUTH=True)
    app.url_map.merge_slashes = False
    app.add_url_rule("/<path:p>", "files", lambda p: f"file {p}")
    return app.test_client()


@pytest.mark.parametrize("path", ADMIN)
def test_a_path_that_some_server_reads_as_a_closed_one_needs_its_token(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 401
    token = bearer(token_for(client, register(client.application), scope="weather:write")["access_token"])
    assert client.get(path, headers=token).status_code in (200, 404)  # no route has a line break


@pytest.mark.parametrize("path", [*ADMIN, *UPSTREAMS_ADMIN])
def test_forward_auth_refuses_a_path_that_some_upstream_reads_as_a_closed_one(client: FlaskClient, path: str) -> None:
    token = bearer(token_for(client, register(client.application), scope="weather:write")["access_token"])
    for headers in ({}, token):
        told = {"X-Original-URI": path, "X-Original-Method": "GET", **headers}
        assert client.get("/oauth/verify", headers=told).status_code == 403


def test_usual_paths_are_as_open_as_they_were(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in USUAL] == [200] * len(USUAL)
    told = [{"X-Original-URI": path, "X-Original-Method": "GET"} for path in USUAL]
    assert [client.get("/oauth/verify", headers=each).status_code for each in told] == [204] * len(USUAL)


def test_a_name_with_an_accent_is_one_name_however_it_is_spelled(make_app: Callable[..., Flask]) -> None:
    composed, apart = "/caf\u00e9", "/cafe\u0301"
    for written in (composed, apart):
        app = make_app(OAUTH_PROTECT=[{"path": f"{written}/*", "scopes": []}])
        app.add_url_rule("/<path:p>", "files", lambda p: f"file {p}")
        client = app.test_client()
        assert [client.get(f"{name}/x").status_code for name in (composed, apart, "/cafe")] == [401, 401, 200]


def test_a_path_that_is_made_to_have_many_readings_takes_no_time() -> None:
    for evil in (
        "/;.\\ a\xe9::$" * 600,
        "/" + "." * 8000,
        "/" * 8000,
        "/:" * 4000,
        "/a\xa0.;b\\..//" * 600,
        "/ ." * 3000,
    ):
        start = time.perf_counter()
        assert len(readings(evil)) <= 150
        assert time.perf_counter() - start < 1
