"""A user registers an app, tries it, looks after its secrets and ends it, in a browser."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauth_gateway.signals import client_changed, client_created
from tests.support.admin import HOSTILE
from tests.support.app import recorded
from tests.support.developer import DeveloperSite
from tests.support.site import DEVICE_CODE, READ, REDIRECT_URI, WRITE, Page, granted

MakeSite = Callable[..., DeveloperSite]
WEB = {"kind": "web", "client_name": "Notice board", "redirect_uris": REDIRECT_URI, "scope": READ}


def test_the_life_of_an_app(site: DeveloperSite) -> None:
    assert "Register an app here" in site.visit().text
    kinds = site.visit("apps/new").text
    assert all(each in kinds for each in ("Web app", "App in the browser", "phone", "Machine", "Device"))
    with recorded(client_created, site.app) as created, recorded(client_changed, site.app) as changed:
        made = site.fill("apps/new", WEB)
        assert made.status_code == 200, made.text
        (client,) = site.apps.of("alice")
        secret = re.findall(r'id="client_secret" value="([\w-]{40,})"', made.text)[0]
        assert "shown this one time" in made.text
        assert secret not in site.browser.get(f"/oauth/developer/app?client_id={client.client_id}").text
        assert site.gateway.clients.get(client.client_id).grant_types == ["authorization_code", "refresh_token"]
        at = {"client_id": client.client_id}
        assert "Notice board" in site.visit().text

        site.person = "bob"
        tokens = granted(site.redeem(client.with_secret(secret), site.code(client, scope=READ)))
        site.person = "alice"
        text = site.visit("app", **at).text
        assert "People who use it 1 Live tokens 1" in text
        assert "bob" not in text

        version = site.visit("app/edit", **at).hidden("version")
        edit = {**WEB, "client_name": "Renamed", "client_uri": "https://app.example/", "contacts": "a@app.example"}
        assert site.fill("app/edit", {**edit, "version": version}, **at).status_code == 303
        for old in (version, "", "x", "9" * 5000):
            stale = site.fill("app/edit", {**edit, "version": old}, **at)
            assert (stale.status_code, "out of date" in stale.text) == (400, True)
        assert site.now(client).client_name == "Renamed"

        shown = {"version": site.visit("app", **at).hidden("version"), "overlap": "86400", "secret_days": "30"}
        more = site.fill("app/secret", shown, **at)
        assert more.status_code == 200
        again = site.fill("app/secret", {**shown, "overlap": "0"}, **at)  # as who loads the answer again
        assert (again.status_code, "out of date" in again.text) == (400, True)
        old, new = site.now(client).secrets
        assert old.expires_at
        assert new.expires_at
        assert site.fill("app/secret/end", {"secret": old.id}, **at).status_code == 303
        last = site.fill("app/secret/end", {"secret": new.id}, **at)
        assert (last.status_code, "only secret" in last.text) == (400, True)

        assert "People who use it 1 Live tokens 1" in site.visit("app/delete", **at).text
        assert site.fill("app/delete", {}, **at).status_code == 303
    assert site.now(client) is None
    assert site.browser.get("/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 401
    assert {each["actor"] for each in (*created, *changed)} == {"alice"}
    assert [each["change"] for each in changed] == ["update", "rotate_secret", "end_secret", "delete"]
    assert {row.actor for row in site.trail("client_changed")} == {"alice"}


@pytest.mark.parametrize(
    ("kind", "grants", "has_secret"),
    [
        ("browser", ["authorization_code", "refresh_token"], False),
        ("native", ["authorization_code", "refresh_token"], False),
        ("machine", ["client_credentials"], True),
        ("device", [DEVICE_CODE, "refresh_token"], False),
    ],
)
def test_a_kind_says_what_an_app_has(site: DeveloperSite, kind: str, grants: list[str], has_secret: bool) -> None:
    uris = {"redirect_uris": REDIRECT_URI} if kind in ("browser", "native") else {}
    made = site.fill("apps/new", {"kind": kind, "client_name": "Mine", "scope": READ, **uris})
    assert made.status_code == 200, made.text
    (client,) = site.apps.of("alice")
    assert client.grant_types == grants
    assert bool(client.secrets) is has_secret is ("client_secret" in made.text)
    page = site.visit("app", client_id=client.client_id).text
    assert ("Ends in" in page) is has_secret


def test_what_cannot_be_is_said_and_nothing_that_was_typed_is_lost(site: DeveloperSite) -> None:
    for form, why in (
        ({"client_name": " "}, "needs a name"),
        ({"client_name": "x" * 101}, "1 to 100"),
        ({"redirect_uris": "http://app.example/cb"}, "must be https"),
        ({"redirect_uris": "https://*.app.example/cb"}, "stands for nothing"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"scope": "oauth:admin"}, "may not ask for"),
        ({"scope": "oauth:apps"}, "may not ask for"),
        ({"scope": "nothing"}, "may not ask for"),
        ({"client_uri": "javascript:alert(1)"}, "http or https"),
        ({"secret_days": "x"}, "a number of days"),
        ({"form_token": "old"}, "out of date"),
    ):
        refused = site.fill("apps/new", {**WEB, "tos_uri": "https://typed.example", **form})
        assert refused.status_code == 400, form
        assert why in html.unescape(refused.text).replace("“Redirect URIs”", "redirect_uris"), why
        assert "https://typed.example" in refused.text
    assert not site.apps.of("alice")


def test_members_that_no_user_may_set_are_not_set(site: DeveloperSite) -> None:
    sneaky = {"skip_consent": "yes", "resource_server": "yes", "plan": "x", "owner": "bob", "grant_types": "password",
              "token_endpoint_auth_method": "none", "attributes": "{}", "client_id": "mine"}  # fmt: skip
    assert site.fill("apps/new", {**WEB, **sneaky}).status_code == 200
    (client,) = site.apps.of("alice")
    assert (client.skip_consent, client.resource_server, client.plan, client.attributes) == (False, False, None, None)
    assert client.token_endpoint_auth_method == "client_secret_basic"
    assert "password" not in client.grant_types
    assert client.client_id != "mine"


def test_a_redirect_uri_is_checked_while_it_is_typed_in_the_servers_own_words(site: DeveloperSite) -> None:
    typed = "https://app.example/cb\nhttp://app.example/cb https://a.example/#x com.example.app:/cb *"
    answer = site.fill("check", {"redirect_uris": typed})
    problems = answer.get_json()["problems"]
    assert len(problems) == 3
    assert "must be https" in problems[0]
    at_the_end = site.fill("apps/new", {**WEB, "redirect_uris": "http://app.example/cb"})
    assert problems[0] in html.unescape(at_the_end.text)
    assert site.fill("check", {"redirect_uris": typed, "form_token": "x"}).status_code == 400
    page = site.browser.get("/oauth/developer/apps/new?kind=web")
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    assert "connect-src" not in site.browser.get("/oauth/developer/").headers["Content-Security-Policy"]


def test_only_the_scopes_that_are_open_can_be_had(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DEVELOPER_SCOPES=[READ])
    assert WRITE not in site.browser.get("/oauth/developer/apps/new?kind=web").text
    refused = site.fill("apps/new", {**WEB, "scope": [READ, WRITE]})
    assert (refused.status_code, "may not ask for" in refused.text) == (400, True)
    client = site.new()
    site.gateway.clients.update(client.client_id, scope=[READ, WRITE], skip_consent=True)
    assert site.visit("app/edit", client_id=client.client_id)  # what an administrator gave stays until it is given back
    with site.app.app_context():
        site.apps.update("alice", client.client_id, {"client_name": "Another"})
        assert site.now(client).scope == f"{READ} {WRITE}"
        site.apps.update("alice", client.client_id, {"scope": READ})
    assert (site.now(client).scope, site.now(client).skip_consent) == (READ, True)


def test_a_name_that_does_harm_is_text_everywhere(site: DeveloperSite) -> None:
    made = site.fill("apps/new", {**WEB, "client_name": HOSTILE, "client_uri": "https://x.example/<b>"})
    assert made.status_code == 200
    (client,) = site.apps.of("alice")
    at = {"client_id": client.client_id}
    for path in ("", "app", "app/edit", "app/delete"):
        text = site.browser.get(f"/oauth/developer/{path}", query_string=at).text
        assert "<script>alert" not in text
        assert "\u202e" not in text or path == "app/edit"  # whose owner sees what was typed
        assert 'href="https://x.example' not in text


def test_who_is_not_signed_in_signs_in_first_and_comes_back(make_site: MakeSite) -> None:
    site = make_site(OAUTH_LOGIN_URL="/login")
    site.person = None
    for path in ("/oauth/developer/", "/oauth/developer", "/oauth/developer/app?client_id=x"):
        sent = site.browser.get(path)
        assert sent.status_code == 302
        assert sent.headers["Location"].startswith("/login?next=")
    assert site.browser.post("/oauth/developer/apps/new", data=WEB).status_code in (302, 303)


def test_a_form_without_its_token_does_nothing(site: DeveloperSite) -> None:
    client = site.new()
    at = {"client_id": client.client_id}
    other = site.app.test_client()
    for path in ("app/edit", "app/secret", "app/secret/end", "app/delete", "apps/new", "check"):
        answer = other.post(f"/oauth/developer/{path}", data={**WEB, "secret": client.secrets[0].id}, query_string=at)
        assert answer.status_code == 400, path
    assert site.now(client).version == client.version
    assert len(site.apps.of("alice")) == 1


def test_what_went_wrong_stands_there_in_plain_words(site: DeveloperSite) -> None:
    client = site.new()
    for _ in range(2):
        site.token(client.with_secret("a wrong secret"), "authorization_code", code="x")
    site.token(client, "authorization_code", code="unknown", redirect_uri=REDIRECT_URI)
    site.ask(client, redirect_uri="https://app.example/cb/?secret=1")
    site.ask(client, scope=WRITE)
    text = site.visit("app", client_id=client.client_id).text
    for said in ("sent a wrong secret", "code was no longer good", "The redirect URI isn't one of", "may not have"):
        assert said in text, said
    assert "https://app.example/cb/?secret=..." in text
    assert "127.0.0.1" not in text
    site.person = "bob"
    other = site.new(owner="bob")
    assert "Nothing." in site.visit("app", client_id=other.client_id).text


def test_registering_is_limited_and_a_mistake_costs_nothing(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"register": "2/hour"})
    for _ in range(4):
        assert site.fill("apps/new", {**WEB, "redirect_uris": "x"}).status_code == 400
    codes = [site.fill("apps/new", WEB).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    site.person = "bob"
    assert site.fill("apps/new", WEB).status_code == 200


def test_nothing_of_it_is_there_where_it_is_off(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DEVELOPER=False)
    for path in ("", "/", "/app", "/apps/new", "/api/apps", "/api/openapi.json"):
        assert site.browser.get(f"/oauth/developer{path}").status_code == 404
    assert "oauth:apps" not in site.app.config["OAUTH_SCOPES"]


def test_a_change_of_redirect_uris_asks_users_anew(site: DeveloperSite) -> None:
    client = site.new()
    site.person = "bob"
    site.code(client, scope=READ, duration="always")
    assert site.ask(client, scope=READ).status_code == 302
    site.person = "alice"
    with site.app.app_context():
        site.apps.update("alice", client.client_id, {"redirect_uris": [REDIRECT_URI, "https://new.example/cb"]})
    site.person = "bob"
    assert Page(site.ask(client, scope=READ)).action is not None


def test_a_user_who_is_gone_leaves_an_app_that_works(site: DeveloperSite) -> None:
    client = site.new()
    del site.people["alice"]
    site.person = "bob"
    assert granted(site.redeem(client, site.code(client, scope=READ)))["access_token"]
    site.gateway.clients.update(client.client_id, owner="bob")
    assert "Notice board" in site.visit("app", client_id=client.client_id).text


def test_the_most_apps_are_said(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DEVELOPER_MAX=1)
    assert site.fill("apps/new", WEB).status_code == 200
    refused: Any = site.fill("apps/new", WEB)
    assert (refused.status_code, "which is the most" in refused.text) == (400, True)
    assert "which is the most" in site.visit().text
    assert site.new(owner="bob")
