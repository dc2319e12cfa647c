"""A user's own apps for programs: with the user's token that has oauth:apps, where the management API is off too."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.app import bearer, gateway_of, refusal, register, token_for
from tests.support.developer import CONFIG
from tests.support.site import READ, REDIRECT_URI

API = "/oauth/developer/api"
NEW = {"kind": "web", "client_name": "Notice board", "redirect_uris": [REDIRECT_URI], "scope": READ}
Call = Callable[..., TestResponse]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(**CONFIG | {"OAUTH_ADMIN": False, "OAUTH_RATE_LIMITS": None})


@pytest.fixture
def call(app: Flask) -> Call:
    tool = register(app, grant_types=["authorization_code"], redirect_uris=[REDIRECT_URI], scope=f"oauth:apps {READ}")
    http = app.test_client()

    def call(method: str, path: str, body: Any = None, user: str | None = "alice", **headers: str) -> TestResponse:
        token = gateway_of(app).tokens.issue(tool.client_id, subject=user, scope="oauth:apps")["access_token"]
        sent = {} if body is None else {"json": body}
        return http.open(f"{API}{path}", method=method, headers={**bearer(token), **headers}, **sent)

    return call


def test_the_life_of_an_app(app: Flask, call: Call) -> None:
    made = call("POST", "/apps", NEW)
    assert made.status_code == 201, made.text
    told = made.get_json()
    assert (told["kind"], told["state"], told["scope"]) == ("web", "works", READ)
    at = f"/apps/{told['client_id']}"
    assert call("GET", "/apps").get_json()["apps"][0]["client_id"] == told["client_id"]
    shown = call("GET", at)
    assert "client_secret" not in shown.get_json()
    changed = call("PATCH", at, {"client_name": "Renamed"}, **{"If-Match": shown.headers["ETag"]})
    assert changed.get_json()["client_name"] == "Renamed"
    late = call("PATCH", at, {"client_name": "Late"}, **{"If-Match": shown.headers["ETag"]})
    refusal(late, 412, "precondition_failed")
    more = call("POST", f"{at}/secrets", {"overlap": 60, "expires_in": 3600}).get_json()
    assert more["client_secret"] != told["client_secret"]
    assert len(more["secrets"]) == 2
    assert call("DELETE", f"{at}/secrets/{more['secrets'][0]['id']}").status_code == 204
    refusal(call("DELETE", f"{at}/secrets/{more['secrets'][1]['id']}"), 422, "invalid_client_metadata")
    assert call("GET", f"{at}/usage").get_json() == {"users": 0, "tokens": 0}
    assert call("DELETE", at).status_code == 204
    assert call("GET", at).status_code == 404


def test_what_cannot_be_is_said(call: Call) -> None:
    for change, why in (
        ({"kind": "rocket"}, "kind"),
        ({"scope": "oauth:apps"}, "may not ask for"),
        ({"redirect_uris": ["http://app.example/"]}, "must be https"),
        ({"client_name": None}, "needs a name"),
        ({"kind": "machine"}, "redirect_uris"),
    ):
        answer = call("POST", "/apps", {**NEW, **change})
        assert answer.status_code in (400, 422), answer.text
        assert why in answer.get_json()["error_description"]
    for member in ("owner", "skip_consent", "grant_types", "plan", "client_id", "client_secret", "attributes"):
        assert member in refusal(call("POST", "/apps", {**NEW, member: "x"}), 400, "invalid_request")
    assert call("GET", "/apps").get_json() == {"apps": []}


def test_only_a_users_token_with_the_scope_opens_it(app: Flask, call: Call) -> None:
    http = app.test_client()
    assert http.get(f"{API}/apps").status_code == 401
    machine = register(app, scope=f"oauth:apps {READ}")
    own = token_for(http, machine, scope="oauth:apps")["access_token"]
    said = refusal(http.get(f"{API}/apps", headers=bearer(own)), 403, "insufficient_scope")
    assert "user" in said
    weather = gateway_of(app).tokens.issue(machine.client_id, subject="alice", scope=READ)["access_token"]
    refusal(http.get(f"{API}/apps", headers=bearer(weather)), 403, "insufficient_scope")
    assert http.get("/oauth/admin/api/clients", headers=bearer(own)).status_code == 404


def test_it_is_described_in_openapi_and_in_that_of_the_management_api(
    app: Flask, make_app: Callable[..., Flask], call: Call
) -> None:
    own = app.test_client().get(f"{API}/openapi.json").get_json()
    assert set(own["paths"]) >= {"/apps", "/apps/{client_id}", "/apps/{client_id}/secrets/{secret}"}
    assert own["servers"] == [{"url": API}]
    assert "oauth:apps" in str(own["components"]["securitySchemes"])
    whole = make_app(**CONFIG).test_client().get("/oauth/admin/api/openapi.json").get_json()
    assert whole["paths"]["/apps"]["servers"] == [{"url": API}]
    assert whole["paths"]["/apps"]["get"]["security"] == [{"oauth2": ["oauth:apps"]}]
    assert "/clients" in whole["paths"]
    assert "/clients" not in own["paths"]


def test_a_method_that_is_none_and_a_place_that_is_none_are_json(call: Call) -> None:
    refusal(call("PUT", "/apps", NEW), 405, "method_not_allowed")
    refusal(call("GET", "/nothing"), 404, "not_found")
    for name in ("x" * 300, "%00", "..%2F"):
        refusal(call("GET", f"/apps/{name}"), 404, "not_found")


def test_registering_counts_for_each_user(make_app: Callable[..., Flask]) -> None:
    app = make_app(**CONFIG, OAUTH_RATE_LIMITS={"register": "1/hour"})
    tool = register(app, scope=f"oauth:apps {READ}")

    def post(user: str) -> int:
        token = gateway_of(app).tokens.issue(tool.client_id, subject=user, scope="oauth:apps")["access_token"]
        return app.test_client().post(f"{API}/apps", json=NEW, headers=bearer(token)).status_code

    assert [post("alice"), post("alice"), post("bob")] == [201, 429, 201]
