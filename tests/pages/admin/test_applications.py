"""Applications in a browser: registering, finding, changing, approving, revoking, deleting."""

import re

import pytest

from tests.support.admin import HOSTILE, AdminSite
from tests.support.app import is_accepted

HERE = {"application_id": "mine"}


def test_the_life_of_an_application(site: AdminSite) -> None:
    form = {"name": "Weather <GmbH>", "owner": "ops", "application_id": "mine", "status": "pending"}
    made = site.submit("applications/new", {**form, "attributes": '{"tier": 1}'})
    assert made.status_code == 303
    assert "application_id=mine" in made.headers["Location"]
    text = site.open("application", **HERE).text
    assert "Weather <GmbH>" in text
    assert "It has no clients." in text
    client = site.register(client_id="theirs", grant_types=["client_credentials"], application="mine")
    assert "theirs" in site.open("application", **HERE).text
    assert "Application not approved" in site.open("client", client_id="theirs").text

    assert site.submit("application/status", {"action": "approve"}, **HERE).status_code == 303
    token = site.token(client, "client_credentials").get_json()["access_token"]
    browser = site.app.test_client()
    assert is_accepted(browser, token)
    assert site.submit("client/switch", {"enabled": "no"}, client_id="theirs").status_code == 303
    assert site.submit("application/status", {"action": "revoke"}, **HERE).status_code == 303
    assert site.submit("client/switch", {"enabled": "yes"}, client_id="theirs").status_code == 303
    assert not is_accepted(browser, token)
    assert site.submit("application/status", {"action": "approve"}, **HERE).status_code == 303
    assert is_accepted(browser, token)

    version = site.open("application/edit", **HERE).hidden("version")
    change = {"name": "Renamed", "owner": "", "attributes": "", "version": version}
    assert site.submit("application/edit", change, **HERE).status_code == 303
    changed = site.gateway.applications.get("mine")
    assert (changed.name, changed.owner, changed.attributes, changed.status) == ("Renamed", None, {}, "approved")
    stale = site.submit("application/edit", change, **HERE)  # somebody has changed it since the form was shown
    assert (stale.status_code, "out of date" in stale.text) == (400, True)

    kept = site.submit("application/delete", {}, **HERE)
    assert kept.status_code == 400
    assert "delete it with them" in kept.text
    assert site.submit("application/delete", {"with_clients": "yes"}, **HERE).status_code == 303
    assert not is_accepted(browser, token)
    assert site.open("application", 404, **HERE)
    assert site.gateway.clients.list() == []
    assert {row.actor for row in site.trail("application_changed")} == {"root"}


def test_a_client_is_put_into_an_application_and_taken_out(site: AdminSite) -> None:
    site.gateway.applications.create("Mine", application_id="mine")
    assert 'value="mine"' in site.browser.get("/oauth/admin/clients/new?kind=other&application=mine").text
    form = {"client_name": "Station", "client_id": "c", "grant_types": ["client_credentials"]}
    refused = site.submit("clients/new", {**form, "application": "nobody"})
    assert refused.status_code == 400
    assert "There is no application" in refused.text
    assert site.submit("clients/new", {**form, "application": "mine"}).status_code == 200
    made = site.gateway.clients.get("c")
    assert made.application == "mine"
    assert 'value="mine"' in site.browser.get("/oauth/admin/client/edit?client_id=c").text
    edit = {**form, "version": str(made.version)}
    assert site.submit("client/edit", edit, client_id="c").status_code == 303
    assert site.gateway.clients.get("c").application == "mine", "the form had no such field"
    edit = {**form, "application": "", "version": str(site.gateway.clients.get("c").version)}
    assert site.submit("client/edit", edit, client_id="c").status_code == 303
    assert site.gateway.clients.get("c").application is None


def test_what_cannot_be_is_said_and_nothing_that_was_typed_is_lost(site: AdminSite) -> None:
    for form, why in (
        ({"name": ""}, "“Name” is a text"),
        ({"attributes": "{"}, "attributes is a JSON object"),
        ({"application_id": "a/b"}, "An application_id is"),
        ({"plan": "gold"}, "not in OAUTH_PLANS"),
        ({"status": "perhaps"}, "“Status” is one of"),
    ):
        sent = {"name": "A", "owner": "Typed before", "status": "approved", **form}
        response = site.submit("applications/new", sent)
        assert response.status_code == 400
        assert why in response.text
        assert "Typed before" in response.text
    assert site.gateway.applications.find().applications == []


def test_the_list_is_searched_and_goes_page_by_page(site: AdminSite) -> None:
    for number in range(51):
        site.gateway.applications.create(f"Partner {number}", application_id=f"a{number:02}")
    site.gateway.applications.revoke("a07")
    first = site.browser.get("/oauth/admin/applications?q=partner").text
    assert "a49" in first
    assert "a50" not in first
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    assert "a50" in site.browser.get(following[1].replace("&amp;", "&")).text
    revoked = site.browser.get("/oauth/admin/applications?status=revoked").text
    assert "a07" in revoked
    assert "a08" not in revoked
    assert "Nothing was found" in site.open("applications", owner="nobody").text


def test_what_outsiders_wrote_stays_text(site: AdminSite) -> None:
    attributes = {"</pre><script>": "<script>alert(1)</script>"}
    site.gateway.applications.create(
        HOSTILE[:200], application_id="mine", owner="<b>o</b>", attributes=attributes, status="pending"
    )
    site.register(client_id="<i>id</i>", client_name=HOSTILE, application="mine")
    for path in ("applications", "application", "application/edit", "application/delete"):
        text = site.browser.get(f"/oauth/admin/{path}?application_id=mine").text
        for markup in ("<script>", "<i>", "<b>o", "\u202e", "alert(1)</script>"):
            if (path, markup) != ("application/edit", "\u202e"):  # in the field it stands as it is stored
                assert markup not in text, (path, markup)


@pytest.mark.parametrize("version", ["0", "-1", "x", "\u0663", "9" * 18, "9" * 5000])
def test_what_was_not_looked_at_is_not_approved(site: AdminSite, version: str) -> None:
    site.gateway.applications.create("Mine", application_id="mine", status="pending")
    response = site.submit("application/status", {"action": "approve", "version": version}, application_id="mine")
    assert (response.status_code, "This page was out of date." in response.text) == (400, True)
    assert site.gateway.applications.get("mine").status == "pending"
