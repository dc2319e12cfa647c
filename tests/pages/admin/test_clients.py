"""The registry in a browser: registering, finding, changing, new secrets, disabling, deleting."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask_babel import Babel

from flask_oauth_gateway.clients.kinds import KINDS
from flask_oauth_gateway.clients.members.hardening import HARDENING_MEMBERS
from flask_oauth_gateway.pages.admin.labels import LABELS
from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import is_accepted
from tests.support.site import READ, REDIRECT_URI, WRITE, Page


def secret_in(response: Any) -> str:
    found = re.search(r'<input id="client_secret" value="([^"]+)"', response.text)
    assert found is not None, response.text
    return found[1]


def test_a_client_is_registered_and_its_secret_is_shown_once(site: AdminSite) -> None:
    form = {
        "client_name": "Weather <station>", "owner": "ops", "grant_types": ["client_credentials", "authorization_code"],
        "redirect_uris": f"{REDIRECT_URI}\r\nhttps://b.example/cb", "scope": [READ], "secret_days": "30",
        "attributes": '{"tier": "gold"}', "access_token_lifetime": "60",
    }  # fmt: skip
    response = site.submit("clients/new", form)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    secret = secret_in(response)
    (made,) = site.gateway.clients.list()
    assert made.redirect_uris == [REDIRECT_URI, "https://b.example/cb"]
    assert (made.client_name, made.owner, made.attributes) == ("Weather <station>", "ops", {"tier": "gold"})
    assert site.token(made.with_secret(secret), "client_credentials").status_code == 200
    for path in ("clients", "client", "client/edit", "client/delete", "audit", "tokens"):
        text = site.browser.get(f"/oauth/admin/{path}?client_id={made.client_id}").text
        assert secret not in text
        assert made.secrets[0].digest not in text
    (entry,) = site.trail("client_created")
    assert (entry.client_id, entry.actor) == (made.client_id, "root")
    again = site.submit("client/secret", {"overlap": "3600", "expires_days": "7"}, client_id=made.client_id)
    new = secret_in(again)
    for each in (secret, new):  # the old one lives for the overlap
        assert site.token(made.with_secret(each), "client_credentials").status_code == 200
    assert [row.actor for row in site.trail("client_changed")] == ["root"]


def test_loading_the_secret_s_page_again_makes_no_other_secret(site: AdminSite) -> None:
    client = site.register(client_id="c", grant_types=["client_credentials"], scope=READ)
    form = {**dict(site.open("client", client_id="c").fields), "overlap": "0"}
    secret = secret_in(site.browser.post("/oauth/admin/client/secret?client_id=c", data=form))
    again = site.browser.post("/oauth/admin/client/secret?client_id=c", data=form)
    assert (again.status_code, "This page was out of date." in again.text) == (400, True)
    assert site.token(client.with_secret(secret), "client_credentials").status_code == 200


@pytest.mark.parametrize("kind", ["other", "machine"])
def test_loading_the_answer_of_a_new_client_again_registers_no_second_one(site: AdminSite, kind: str) -> None:
    fields = dict(site.open("clients/new", kind=kind).fields)
    form = {**fields, "kind": kind, "client_name": "Robot", "grant_types": ["client_credentials"], "scope": [READ]}
    secret = secret_in(site.browser.post("/oauth/admin/clients/new", data=form))
    again = site.browser.post("/oauth/admin/clients/new", data=form)
    assert (again.status_code, "This form was sent before." in again.text) == (400, True)
    (client,) = site.gateway.clients.list()
    assert site.token(client.with_secret(secret), "client_credentials").status_code == 200
    mended = {**form, "form_token": Page(again).hidden("form_token"), "client_name": "Another"}
    assert site.browser.post("/oauth/admin/clients/new", data=mended).status_code == 200
    assert [each.client_name for each in site.gateway.clients.list()] == ["Robot", "Another"]


def test_what_cannot_be_registered_is_said_and_nothing_that_was_typed_is_lost(site: AdminSite) -> None:
    for form, why in (
        ({"redirect_uris": "http://evil.example/cb"}, "must be https"),
        ({"attributes": "{"}, "attributes is a JSON object"),
        ({"secret_days": "x"}, "is not a whole number"),
        ({"client_id": "\u00e4"}, "printable ASCII"),
        ({"scope": "nothing"}, "not in OAUTH_SCOPES"),
    ):
        response = site.submit("clients/new", {"client_name": "Typed before", **form})
        assert response.status_code == 400
        assert why in response.text
        assert "Typed before" in response.text
    assert site.gateway.clients.list() == []


def test_a_form_says_what_is_wrong_by_the_label_of_the_field(site: AdminSite) -> None:
    for form, wrong in (
        ({"grant_types": "authorization_code"}, "A client that sends users here needs “Redirect URIs”: one at least."),
        ({"scope": READ, "default_scope": WRITE}, f"“Default scopes” names '{WRITE}', which is not in “Scopes”."),
        ({"scope": "owner"}, "“Scopes” names 'owner', which is not in OAUTH_SCOPES"),
        ({"secret_days": "two"}, "“The secret expires after days” is 'two', which is not a whole number."),
        ({"access_token_lifetime": "0"}, "“Access tokens live, in seconds” is a number of seconds, 1 or more."),
        ({"tos_uri": "scope"}, "“Its terms of use” is an http or https URL."),
        ({"owner": "o" * 256}, "“Owner” is a subject: 1 to 255 characters, none of them a control character."),
        ({"jwks_uri": "http://a.example"}, "jwks_uri is an https URL: keys that anybody on the way could change prove"),
        ({"redirect_uris": "https://a.example/#scope"}, "The redirect URI 'https://a.example/#scope' holds a fragment"),
    ):
        response = site.submit("clients/new", form)
        assert response.status_code == 400
        assert wrong in unescape(response.text), form
    named = site.submit("applications/new", {"name": "", "status": "approved"})
    assert "“Name” is a text of 1 to " in unescape(named.text)
    Babel(site.app, locale_selector=lambda: "de")
    german = site.submit("clients/new", {"grant_types": "implicit"})
    assert "needs “Redirect-URIs”: one at least." in unescape(german.text)


def test_the_labels_are_those_that_stand_beside_the_fields(site: AdminSite) -> None:
    client = site.register(client_id="c")
    paths = (
        "clients/new?kind=other",
        "clients/new?kind=web",
        "applications/new",
        f"client?client_id={client.client_id}",
    )
    text = unescape("".join(site.browser.get(f"/oauth/admin/{path}").text for path in paths))
    shown = dict(re.findall(r'<label for="([^"]+)">([^<]+)</label>', text))
    box = r'<legend>([^<]+)</legend>\s*<ul[^>]*><li><label><input type="checkbox" name="([^"]+)"'
    groups = re.findall(box, text)
    shown |= {name: label for label, name in groups}
    without = {
        "plan",
        *HARDENING_MEMBERS,
    }  # where no plans are configured, and nothing is on that protects requests and tokens
    assert {name: shown[name] for name in LABELS if name not in without} == {
        name: label for name, label in LABELS.items() if name not in without
    }
    assert {name for name, label in shown.items() if label != name} <= LABELS.keys()


def test_a_client_is_changed_disabled_enabled_and_deleted(site: AdminSite) -> None:
    made = site.register(client_id="a/b ?&#<x>", grant_types=["client_credentials"])
    here = {"client_id": made.client_id}
    token = site.token(made, "client_credentials").get_json()["access_token"]
    browser = site.app.test_client()
    form = {"client_name": "Renamed", "grant_types": "client_credentials", "scope": READ, "version": str(made.version)}
    assert site.submit("client/edit", form, **here).status_code == 303
    assert site.gateway.clients.get(made.client_id).scope == READ
    stale = site.submit("client/edit", form, **here)  # somebody has changed it since the form was shown
    assert (stale.status_code, "out of date" in stale.text) == (400, True)
    for enabled in ("no", "yes"):
        assert site.submit("client/switch", {"enabled": enabled}, **here).status_code == 303
        assert is_accepted(browser, token) is (enabled == "yes")
    assert "1" in site.open("client/delete", **here).text
    assert site.submit("client/delete", {}, **here).status_code == 303
    assert not is_accepted(browser, token)
    assert site.open("client", 404, **here)
    assert {row.actor for row in site.trail("client_changed")} == {"root"}


def test_the_list_is_searched_and_goes_page_by_page(site: AdminSite) -> None:
    for number in range(51):
        site.register(client_id=f"c{number:02}", client_name=f"Station {number}")
    first = site.browser.get("/oauth/admin/clients?q=station").text
    assert "c49" in first
    assert "c50" not in first
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    assert "c50" in site.browser.get(following[1].replace("&amp;", "&")).text
    assert "Nothing was found" in site.open("clients", q="nobody").text


@pytest.mark.parametrize("path", ["clients", "client", "client/edit", "client/delete", "tokens", "grants", "audit"])
def test_what_outsiders_wrote_stays_text(site: AdminSite, path: str) -> None:
    client = site.register(
        client_id="<i>id</i>", client_name=HOSTILE, owner="<b>o</b>",
        attributes={"</pre><script>": "<script>alert(1)</script>"}, contacts=["<script>"],
    )  # fmt: skip
    site.gateway.tokens.issue(client.client_id, subject="<img src=x onerror=alert(1)>")
    site.app.test_client().post("/oauth/token", data={"grant_type": "x", "client_id": HOSTILE, "client_secret": "x"})
    text = site.browser.get(
        f"/oauth/admin/{path}",
        query_string={"client_id": None if path == "audit" else client.client_id, "q": HOSTILE[:-1]},
    ).text
    for markup in ("<script>", "<img", "<i>", "<b>o", "\u202e", "{{7*7}}</title>", "alert(1)</script>"):
        if (path, markup) != ("client/edit", "\u202e"):  # in the field it stands as it is stored
            assert markup not in text, markup


def test_a_server_that_does_not_know_its_name_shows_the_secret_and_says_why(
    make_site: Callable[..., AdminSite],
) -> None:
    site = make_site(TESTING=False, SESSION_COOKIE_DOMAIN=None)
    elsewhere = {"base_url": "https://auth.example.com"}
    token = Page(site.browser.get("/oauth/admin/clients/new?kind=machine", **elsewhere)).hidden("form_token")
    sent = {"form_token": token, "kind": "machine", "client_name": "Robot", "scope": READ}
    answer = site.browser.post("/oauth/admin/clients/new", data=sent, **elsewhere)
    assert secret_in(answer) in unescape(answer.text).partition("OAUTH_CLIENT_SECRET=")[2]
    assert "its configuration needs OAUTH_ISSUER" in answer.text
    assert "auth.example.com/oauth/token" not in answer.text


def test_a_kind_that_is_off_is_not_offered_and_a_forged_one_is_asked_for_again(
    make_site: Callable[..., AdminSite],
) -> None:
    site = make_site(OAUTH_GRANT_TYPES=["authorization_code"])
    text = site.browser.get("/oauth/admin/clients/new").text
    assert [name for name in KINDS if f"kind={name}" in text] == ["web", "browser", "native"]
    for kind in ("device", "spa"):
        assert "What is it?" in site.browser.get(f"/oauth/admin/clients/new?kind={kind}").text


def test_who_says_which_software_it_is_is_registered_with_it(site: AdminSite) -> None:
    form = {"client_id": "c", "software_id": "4NRB1", "software_version": "2.1", "grant_types": "client_credentials"}
    assert site.submit("clients/new", form).status_code == 200
    found = site.gateway.clients.get("c")
    assert (found.software_id, found.software_version) == ("4NRB1", "2.1")
    text = site.browser.get("/oauth/admin/client/edit?client_id=c").text
    assert 'value="4NRB1"' in text
    form |= {"version": str(found.version)}  # by a template that lacks the fields
    del form["software_id"], form["software_version"]
    assert site.submit("client/edit", form, client_id="c").status_code == 303
    assert site.gateway.clients.get("c").software_id == "4NRB1"


def test_the_scope_that_manages_the_gateway_is_offered_to_machines_alone(site: AdminSite) -> None:
    for kind, offered in (("web", False), ("machine", True)):
        text = site.browser.get(f"/oauth/admin/clients/new?kind={kind}").text
        assert ('value="oauth:admin"' in text) is offered
