"""Who gets to `/oauth/admin/`, and what every page and form there is guarded by."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.features import ENDPOINTS
from tests.support.admin import AdminSite
from tests.support.app import refusal
from tests.support.listed import for_each
from tests.support.site import assert_page_headers, error_page

PAGES = {
    name: each for name, each in ENDPOINTS.items() if each.view.startswith("pages.admin.") and "/api" not in each.path
}
POSTS = [each.path for each in PAGES.values() if "POST" in each.methods]


def test_without_the_setting_there_is_nothing_and_nothing_is_imported(app: Flask) -> None:
    assert app.test_client().get("/oauth/admin/").status_code == 404
    code = (
        "import sys, flask; from flask_oauth_gateway import OAuthGateway; a = flask.Flask('a'); OAuthGateway(a);"
        "print([m for m in sys.modules if 'pages.admin' in m])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_where_nothing_is_a_browser_sees_a_page_and_a_program_reads_json(site: AdminSite) -> None:
    @site.app.errorhandler(404)
    def nowhere(error: Exception) -> tuple[dict[str, str], int]:
        return {"the app's own": "words"}, 404

    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for person in ("root", "alice", None):
        site.person = person
        for path in ("nothing", "clients/", "client/none", "a/b/c", "%00"):
            response = site.browser.get(f"/oauth/admin/{path}", headers=browser)
            assert "There is nothing at this address." in error_page(response, "not_found", 404)
            refusal(site.browser.get(f"/oauth/admin/{path}", headers={"Accept": "*/*"}), 404, "not_found")
    reloaded = site.browser.get("/oauth/admin/client/secret?client_id=c", headers=browser)  # an answer to a form
    assert "This address takes POST." in error_page(reloaded, "method_not_allowed", 405)
    assert reloaded.headers["Allow"] == "POST"
    assert site.browser.get("/oauth/nothing", headers=browser).get_json() == {"the app's own": "words"}


def test_whoever_is_not_signed_in_signs_in_and_comes_back(make_site: Callable[..., AdminSite]) -> None:
    site = make_site(OAUTH_LOGIN_URL="/login")
    site.person = None
    response = site.browser.get("/oauth/admin/clients?q=//evil.example")
    assert response.headers["Location"] == "/login?next=%2Foauth%2Fadmin%2Fclients%3Fq%3D%2F%2Fevil.example"
    assert site.browser.post("/oauth/admin/revoke?subject=x").headers["Location"] == "/login?next=%2Foauth%2Fadmin%2F"


@pytest.mark.parametrize("is_admin", [None, lambda _: False, lambda _: "yes", lambda user: user.id == "bob"])
def test_users_whom_the_hook_does_not_say_true_of_see_nothing_and_change_nothing(
    site: AdminSite, is_admin: Any
) -> None:
    client = site.register()
    site.gateway.applications.create("Mine", application_id="mine")
    token = site.open("clients/new", kind="other").hidden("form_token")
    site.gateway.hooks.is_admin = is_admin
    site.person = "alice"
    for each in PAGES.values():
        for method in each.methods:
            response = site.browser.open(
                f"/oauth{each.path}?client_id={client.client_id}&application_id=mine",
                method=method,
                data={"form_token": token} if method == "POST" else None,
            )
            text = error_page(response, "access_denied", 403)
            assert client.client_id not in text
    assert site.gateway.clients.get(client.client_id).version == client.version
    assert site.gateway.applications.get("mine").version == 1


@pytest.mark.parametrize("token", [None, "made up", "alice's"])
def test_a_form_from_elsewhere_changes_nothing(make_site: Callable[..., AdminSite], token: str | None) -> None:
    site = make_site(OAUTH_RATE_LIMITS=None)
    client = site.register(client_id="c")
    site.gateway.applications.create("Mine", application_id="mine")
    if token == "alice's":
        site.person = "alice"
        site.gateway.is_admin(lambda _: True)
        token = site.open("clients/new", kind="other").hidden("form_token")
        site.person = "root"
    before = site.gateway.tokens.issue("c", subject="alice")["access_token"]
    data = {"enabled": "no", "action": "rotate", "client_name": "x", "name": "x", "version": str(client.version)}

    def changes_nothing(path: str) -> None:
        sent = {**data, "action": "revoke"} if path == "/admin/application/status" else data
        response = site.browser.post(
            f"/oauth{path}?client_id=c&application_id=mine",
            data=sent if token is None else {**sent, "form_token": token},
        )
        assert response.status_code == 400
        assert "out of date" in response.text
        assert site.gateway.clients.get("c").version == client.version
        assert len(site.gateway.clients.list()) == 1
        assert [each.version for each in site.gateway.applications.find().applications] == [1]
        assert site.gateway.tokens.get(token=before).refusal is None
        assert not site.trail("key_changed")

    for_each({path: (path,) for path in POSTS}, changes_nothing)


def test_every_page_has_the_headers_of_pages_and_takes_junk(make_site: Callable[..., AdminSite]) -> None:
    site = make_site(OAUTH_RATE_LIMITS=None)
    client = site.register()
    site.gateway.applications.create("Mine", application_id="mine")

    def has_headers_and_takes_junk(path: str) -> None:
        if path == "/admin/audit/export":
            response = site.browser.get(f"/oauth{path}?format=csv")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cache-Control"] == "no-store"
        else:
            response = site.browser.get(
                f"/oauth{path}", query_string={"client_id": client.client_id, "application_id": "mine"}
            )
            assert_page_headers(response)
            assert response.headers["X-Frame-Options"] == "DENY"
            assert "<script" not in response.text
        assert response.status_code == 200, response.text
        for junk in (
            "after=x",
            "before=-1",
            "since=yesterday",
            "client_id=%00",
            "application_id=%00",
            "status=%00x",
            "q=%00%25",
            "subject=%F0%9F%98%80",
            "format=exe",
            "done=<b>",
        ):
            assert site.browser.get(f"/oauth{path}?{junk}").status_code in (200, 400, 404), junk

    for_each({each.path: (each.path,) for each in PAGES.values() if "GET" in each.methods}, has_headers_and_takes_junk)


@pytest.mark.parametrize(("person", "status"), [("root", 200), ("alice", 403), (None, 302)])
@pytest.mark.parametrize("path", ["", "clients", "application?application_id=guess"])
def test_the_pages_have_a_limit_for_people_who_are_refused_too(
    make_site: Callable[..., AdminSite], path: str, person: str | None, status: int
) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"admin": "2/hour"}, OAUTH_LOGIN_URL="/login")
    site.person = person
    for _ in range(2):
        assert site.browser.get("/oauth/admin/").status_code == status
    response = site.browser.get(f"/oauth/admin/{path}")
    error_page(response, "temporarily_unavailable", 429)
    assert int(response.headers["Retry-After"]) > 0
