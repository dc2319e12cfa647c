"""The mark that says that somebody here knows who makes a client: who sets it, and what takes it away."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.clients.members import ClientMetadataError
from flask_oauth_gateway.signals import client_changed
from tests.support.admin import AdminSite
from tests.support.app import recorded, server_of
from tests.support.client_documents import ON, document_server
from tests.support.clock import Clock
from tests.support.management import Api
from tests.support.registering import CALLBACK, OPEN, manage, register, registered
from tests.support.site import GRANT_TYPES, MakeSite, Page

CHANGES: list[dict[str, Any]] = [
    {"client_name": "Another name"},
    {"logo_uri": "https://app.example/logo.png"},
    {"client_uri": "https://elsewhere.example/"},
    {"policy_uri": "https://elsewhere.example/policy"},
    {"tos_uri": "https://elsewhere.example/terms"},
    {"redirect_uris": ["https://elsewhere.example/cb"]},
]


@pytest.fixture
def admin_site(make_app: Callable[..., Flask]) -> AdminSite:
    everything: dict[str, Any] = {"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_ADMIN": True, "OAUTH_RATE_LIMITS": None}
    return AdminSite(make_app(**everything))


def is_marked(site: Any, client_id: str) -> bool:
    """Whether it is, in this process and as it is stored."""
    remembered, now = site.gateway.clients.get(client_id), server_of(site.app).clients.load(client_id)
    assert remembered.verified == now.verified
    return bool(now.verified)


def test_an_administrator_marks_a_client_changes_it_and_takes_the_mark_away(admin_site: AdminSite) -> None:
    client = admin_site.register(client_name="Board")
    form = {"client_id": client.client_id}
    page = admin_site.open("client", **form)
    assert "Mark it as verified only if you know who makes it" in page.text
    sent = {"version": page.hidden("version"), "verified": "yes"}
    assert admin_site.submit("client/mark", sent, **form).status_code == 303
    assert is_marked(admin_site, client.client_id)
    edited = Page(admin_site.browser.get("/oauth/admin/client/edit", query_string=form))
    fields = {"client_name": "Notice board", "version": edited.hidden("version"), "redirect_uris": CALLBACK}
    assert admin_site.submit("client/edit", fields, **form).status_code == 303
    assert admin_site.gateway.clients.get(client.client_id).client_name == "Notice board"
    assert is_marked(admin_site, client.client_id), "an administrator changed it"
    page = admin_site.open("client", **form)
    assert admin_site.submit("client/mark", {"version": page.hidden("version")}, **form).status_code == 303
    assert not is_marked(admin_site, client.client_id)
    changes = [(entry.details["fields"], entry.actor) for entry in admin_site.trail("client_changed")]
    assert [each for each in changes if each[0] == ["verified"]] == [(["verified"], "root")] * 2


def test_what_an_administrator_has_not_seen_is_not_marked(admin_site: AdminSite) -> None:
    client = admin_site.register(client_name="Board")
    page = admin_site.open("client", client_id=client.client_id)
    admin_site.gateway.clients.update(client.client_id, client_name="Another name")
    sent = {"version": page.hidden("version"), "verified": "yes"}
    refused = admin_site.submit("client/mark", sent, client_id=client.client_id)
    assert refused.status_code == 400
    assert "The client was changed meanwhile: look at it again." in refused.text
    for version in ("", "x", "-1", "\u0661", "9" * 40):
        refused = admin_site.submit("client/mark", {**sent, "version": version}, client_id=client.client_id)
        assert refused.status_code == 400
    fresh = admin_site.open("client", client_id=client.client_id).hidden("version")
    stale = {"version": fresh, "verified": "yes", "form_token": "old"}
    assert admin_site.submit("client/mark", stale, client_id=client.client_id).status_code == 400
    assert not is_marked(admin_site, client.client_id)


def test_by_the_command_line(app: Flask) -> None:
    def flask_oauth(*arguments: str) -> Any:
        result = app.test_cli_runner().invoke(args=["oauth", *arguments])
        assert result.exit_code == 0, result.output
        return result

    gateway = app.extensions["oauth_gateway"]
    client = gateway.clients.create(client_name="Board")
    flask_oauth("client", "update", client.client_id, "--verified")
    assert gateway.clients.get(client.client_id).verified
    assert "verified:" in flask_oauth("client", "show", client.client_id).stdout
    flask_oauth("client", "update", client.client_id, "--name", "Notice board")
    assert gateway.clients.get(client.client_id).verified
    flask_oauth("client", "update", client.client_id, "--no-verified")
    assert not gateway.clients.get(client.client_id).verified


def test_by_the_management_api(make_app: Callable[..., Flask]) -> None:
    api = Api(make_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None))
    body = {"client_name": "Partner", "grant_types": ["client_credentials"]}
    assert api("POST", "/clients", {**body, "verified": True}).status_code == 400, "it is looked at first"
    made = api("POST", "/clients", body).get_json()
    assert made["verified"] is False
    path = f"/clients/{made['client_id']}"
    assert api("PATCH", path, {"verified": "yes"}).status_code == 400
    assert api("PATCH", path, {"verified": True}).get_json()["verified"] is True
    assert api("PATCH", path, {"client_name": "Partner Ltd"}).get_json()["verified"] is True
    assert api("PATCH", path, {"verified": False}).get_json()["verified"] is False


def test_of_many_that_looked_at_the_same_client_at_once_one_marks_it(make_app: Callable[..., Flask]) -> None:
    """Whoever marks by the management API marks what they have read, whatever comes in between."""
    app = make_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None)
    api = Api(app)
    made = api("POST", "/clients", {"client_name": "Partner", "grant_types": ["client_credentials"]})
    path, read = f"/clients/{made.get_json()['client_id']}", {"If-Match": made.headers["ETag"]}

    def change(number: int) -> int:
        body = {"verified": True} if number % 2 else {"client_name": f"Partner {number}"}
        return api("PATCH", path, body, **read).status_code

    with ThreadPoolExecutor(12) as pool:
        found = sorted(pool.map(change, range(24)))
    assert found == [200] + [412] * 23
    now = api("GET", path).get_json()
    assert (now["verified"], now["client_name"] == "Partner") in ((True, True), (False, False))
    assert api("DELETE", path, **read).status_code == 412


def test_code_sets_it_by_its_name(admin_site: AdminSite) -> None:
    client = admin_site.register()
    for wrong in ("yes", 1, None):
        with pytest.raises(ClientMetadataError, match="verified is True or False"):
            admin_site.gateway.clients.update(client.client_id, verified=wrong)
    with pytest.raises(ClientMetadataError):
        admin_site.gateway.clients.create(client_name="Board", verified=True)
    assert admin_site.gateway.clients.update(client.client_id, verified=True).verified
    assert admin_site.gateway.clients.update(client.client_id, owner="ops").verified


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_page_of_the_apps_own_takes_it_away_with_what_it_is_about(
    admin_site: AdminSite, change: dict[str, Any]
) -> None:
    """A partner's page of the app calls the registry for somebody who is no administrator."""
    clients, client = admin_site.gateway.clients, admin_site.register()
    clients.update(client.client_id, verified=True)
    with admin_site.app.test_request_context():
        clients.update(client.client_id, contacts=["a@example.com"])
        assert is_marked(admin_site, client.client_id)
        clients.update(client.client_id, **change)
        assert not is_marked(admin_site, client.client_id)
        clients.update(client.client_id, **change, verified=True)
        assert is_marked(admin_site, client.client_id)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_program_that_changes_its_registration_loses_it(make_site: MakeSite, change: dict[str, Any]) -> None:
    site = make_site(**OPEN)
    http = site.app.test_client()
    said = {"client_name": "Board", "redirect_uris": [CALLBACK]}
    assert "verified" not in register(http, **said, verified=True).get_json()
    found = registered(http, **said)
    client_id = found["client_id"]
    assert not is_marked(site, client_id)
    site.gateway.clients.update(client_id, verified=True)
    same = manage(http, "PUT", found, **said, client_id=client_id, verified=True, contacts=["a@example.com"])
    assert same.status_code == 200
    assert is_marked(site, client_id), "nothing of it was changed"
    again = found | {"registration_access_token": same.get_json()["registration_access_token"]}
    with recorded(client_changed, site.app) as changes:
        assert manage(http, "PUT", again, **said | change, client_id=client_id, verified=True).status_code == 200
    assert not is_marked(site, client_id)
    assert [each["fields"] for each in changes] == [sorted([*change, "contacts", "verified"])]


def test_a_document_that_says_something_else_loses_it(make_site: MakeSite, tmp_path: Path, clock: Clock) -> None:
    site = make_site(**ON)
    with document_server(tmp_path) as documents:
        client = documents.publish(verified=True)
        site.ask(client)
        assert not is_marked(site, client.client_id)
        site.gateway.clients.update(client.client_id, verified=True)
        clock.advance(2 * 86400)
        site.ask(client)
        assert is_marked(site, client.client_id)
        documents.publish(client_name="Another name")
        clock.advance(2 * 86400)
        site.ask(client)
        assert site.gateway.clients.get(client.client_id).client_name == "Another name"
        assert not is_marked(site, client.client_id)
