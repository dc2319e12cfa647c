"""A program shows, replaces and deletes what it registered, with its own registration token and no other (RFC 7592)."""

from typing import Any

import pytest

from flask_oauth_gateway.database.tables import metadata
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic, bearer, server_of
from tests.support.databases import every_database
from tests.support.registering import (
    CALLBACK,
    NATIVE,
    OPEN,
    as_client,
    manage,
    refused,
    register,
    registered,
    stored,
)
from tests.support.site import BOTH, READ, MakeSite, Page, Site, answer, granted


@pytest.fixture
def open_site(make_site: MakeSite) -> Site:
    return make_site(**OPEN)


def test_what_is_shown_is_what_was_registered_without_the_secret(open_site: Site) -> None:
    http = open_site.app.test_client()
    software = {"software_id": "desk", "software_version": "1.2"}
    found = registered(http, redirect_uris=[CALLBACK], client_name="Desk", contacts=["me@example.com"], **software)
    assert found.items() >= software.items()
    shown = manage(http, "GET", found)
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    del found["client_secret"]
    assert shown.get_json() == found


def test_every_other_token_gets_the_same_answer(open_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    http = open_site.app.test_client()
    mine, others = registered(http, redirect_uris=[CALLBACK]), registered(http, **NATIVE)
    access_token = open_site.tokens(as_client(open_site.app, mine))["access_token"]
    gone = registered(http, **NATIVE)
    assert manage(http, "DELETE", gone).status_code == 204
    by_hand = open_site.register()
    asleep = registered(http, **NATIVE)
    open_site.gateway.clients.update(asleep["client_id"], enabled=False)
    answers = set()
    for found, token in (
        (mine, others["registration_access_token"]), (mine, access_token), (mine, "made-up"), (mine, mine["client_secret"]),
        (gone, None), (asleep, None), (mine | {"registration_client_uri": f"/oauth/register/{by_hand.client_id}"}, None),
        (mine | {"registration_client_uri": "/oauth/register/nobody"}, None),
    ):  # fmt: skip
        for method in ("GET", "PUT", "DELETE"):
            response = manage(http, method, found, token, client_id=found["client_id"], redirect_uris=[CALLBACK])
            refused(response, "invalid_token", 401)
            answers.add((response.text, response.headers["WWW-Authenticate"]))
    server, twice = server_of(open_site.app), registered(http, **NATIVE)
    find = server.registrations.find

    def deleted_meanwhile(client_id: str, token: str | None) -> Client:
        client: Client = find(client_id, token)
        assert server.clients.remove(client)
        return client

    monkeypatch.setattr(server.registrations, "find", deleted_meanwhile)
    response = manage(http, "DELETE", twice)
    monkeypatch.undo()
    refused(response, "invalid_token", 401)
    answers.add((response.text, response.headers["WWW-Authenticate"]))
    path = f"/oauth/register/{mine['client_id']}"
    without = http.get(path)
    answers.add((without.text, without.headers["WWW-Authenticate"]))
    assert len(answers) == 1
    assert manage(http, "GET", mine).status_code == 200
    assert http.post(path).status_code == 405


@every_database
def test_a_replacement_replaces_the_whole(open_site: Site) -> None:
    app, http = open_site.app, open_site.app.test_client()
    found = registered(http, redirect_uris=[CALLBACK], client_name="Desk", contacts=["a@b.example"], scope=READ)
    same = {"client_id": found["client_id"], "client_secret": found["client_secret"]}
    response = manage(http, "PUT", found, **same, redirect_uris=[f"{CALLBACK}/2"], skip_consent=True)
    assert response.status_code == 200, response.text
    now = response.get_json()
    assert now["redirect_uris"] == [f"{CALLBACK}/2"]
    assert now["scope"] == BOTH  # for the asking everybody has that here
    assert "client_name" not in now
    assert "contacts" not in now
    assert "client_secret" not in now  # it is the same
    assert now["registration_access_token"] == found["registration_access_token"]
    assert now["client_id_issued_at"] == found["client_id_issued_at"]
    assert manage(http, "GET", found).get_json() == now
    client = stored(app, found)
    assert client is not None
    assert not client.skip_consent
    assert client.origin == "registration"
    kept = http.post(
        "/oauth/introspect", data={"token": "x"}, headers=basic(found["client_id"], found["client_secret"])
    )
    assert kept.status_code == 200
    path = found["registration_client_uri"].removeprefix("http://localhost")
    headers = bearer(found["registration_access_token"])
    for wrong, said in (
        ({}, "client_id"), ({"client_id": "another"}, "client_id"),
        ({"client_id": found["client_id"], "client_secret": "of my own choosing"}, "client_secret"),
        ({"client_id": found["client_id"], "client_secret": 5}, "client_secret"),
    ):  # fmt: skip
        bad = http.put(path, json={"redirect_uris": [CALLBACK], **wrong}, headers=headers)
        assert said in refused(bad, "invalid_client_metadata")
    refused(manage(http, "PUT", found, **same), "invalid_redirect_uri")
    refused(http.put(path, data="x", headers=headers), "invalid_client_metadata")
    assert manage(http, "GET", found).get_json() == now


@every_database
def test_the_token_changes_only_together_with_the_secret(open_site: Site) -> None:
    http = open_site.app.test_client()
    found = registered(http, redirect_uris=[CALLBACK])
    changed: dict[str, Any] = {"client_id": found["client_id"], "redirect_uris": [CALLBACK]}
    public = manage(http, "PUT", found, **changed, token_endpoint_auth_method="none").get_json()
    assert public["registration_access_token"] == found["registration_access_token"]
    assert public.keys().isdisjoint({"client_secret", "client_secret_expires_at"})
    secret = {"Authorization": basic(found["client_id"], found["client_secret"])["Authorization"]}
    assert http.post("/oauth/revoke", data={"token": "x"}, headers=secret).status_code == 401
    again = manage(http, "PUT", found, **changed).get_json()
    assert again["client_secret"] != found["client_secret"]
    assert again["registration_access_token"] != found["registration_access_token"]
    refused(manage(http, "GET", found), "invalid_token", 401)
    assert manage(http, "GET", again).status_code == 200
    assert http.post("/oauth/revoke", data={"token": "x"}, headers=secret).status_code == 401
    new = basic(found["client_id"], again["client_secret"])
    assert http.post("/oauth/revoke", data={"token": "x"}, headers=new).status_code == 200


def test_new_redirect_uris_ask_the_user_anew(open_site: Site) -> None:
    http = open_site.app.test_client()
    found = registered(http, redirect_uris=[CALLBACK])
    client = as_client(open_site.app, found)
    open_site.tokens(client)
    moved = {"client_id": found["client_id"], "redirect_uris": ["https://elsewhere.example/cb"]}
    assert manage(http, "PUT", found, **moved).status_code == 200
    assert open_site.ask(client).status_code == 400  # the old address
    asked = open_site.ask(client, redirect_uri="https://elsewhere.example/cb")
    assert asked.status_code == 200
    assert Page(asked).boxes


def test_what_the_app_has_set_of_a_client_is_not_undone_by_its_program(make_site: MakeSite) -> None:
    site = make_site(**OPEN, OAUTH_PLANS={"guests": {"quota": "10/hour"}})
    http = site.app.test_client()
    found = registered(http, redirect_uris=[CALLBACK], client_name="Desk")
    by_the_app = {"plan": "guests", "access_token_lifetime": 60, "attributes": {"tenant": "a"}, "resource_server": True}
    site.gateway.clients.update(found["client_id"], **by_the_app)
    changed = manage(http, "PUT", found, client_id=found["client_id"], redirect_uris=[CALLBACK], plan="gold")
    assert changed.status_code == 200, changed.text
    client = stored(site.app, found)
    assert client is not None
    assert {name: getattr(client, name) for name in by_the_app} == by_the_app
    assert client.client_name == ""


def test_a_narrow_registration_is_not_widened_where_not_everybody_may_register(make_site: MakeSite) -> None:
    site = make_site(**OPEN | {"OAUTH_REGISTRATION": "token"})
    token, _ = server_of(site.app).registration_tokens.make("", scope=READ, owner="alice", uses=1, expires_at=None)
    http = site.app.test_client()
    found = registered(http, token=token, redirect_uris=[CALLBACK])
    assert found["scope"] == READ
    client = stored(site.app, found)
    assert client is not None
    assert client.owner == "alice"
    wider = manage(http, "PUT", found, client_id=found["client_id"], redirect_uris=[CALLBACK], scope=BOTH)
    assert wider.get_json()["scope"] == READ
    refused(register(http, token=token, redirect_uris=[CALLBACK]), "invalid_token", 401)


@every_database
def test_what_a_deleted_client_had_is_dead_and_it_is_told_to_register_again(
    open_site: Site, make_site: MakeSite
) -> None:
    """In another process too, which has just used the client."""
    http, other = open_site.app.test_client(), make_site(**OPEN)
    found = registered(http, redirect_uris=[CALLBACK])
    client = as_client(open_site.app, found)
    tokens, code = other.tokens(client), other.code(client)
    assert other.is_live(tokens["access_token"])
    response = manage(http, "DELETE", found)
    assert (response.status_code, response.data) == (204, b"")
    for site in (open_site, other):
        assert not site.is_live(tokens["access_token"])
        for gone in (site.refresh(client, tokens["refresh_token"]), site.redeem(client, code)):
            refused(gone, "invalid_client", 401)
        assert site.ask(client).status_code == 400
    public = registered(http, **NATIVE)
    there = as_client(open_site.app, public)
    uri = NATIVE["redirect_uris"][0]
    code = answer(other.approve(there, redirect_uri=uri), uri)["code"]
    refresh_token = granted(other.redeem(there, code, redirect_uri=uri))["refresh_token"]
    assert manage(http, "DELETE", public).status_code == 204
    refused(other.refresh(there, refresh_token), "invalid_client", 401)


def test_what_ends_while_a_slow_hook_decides_is_not_registered(make_site: MakeSite) -> None:
    """An initial access token is revoked, and a client deleted, while the app's hook still looks at what was sent."""
    site = make_site(**OPEN | {"OAUTH_REGISTRATION": "token"})
    tokens, http = server_of(site.app).registration_tokens, site.app.test_client()
    text, token = tokens.make("", scope=None, owner=None, uses=5, expires_at=None)
    found = registered_with(http, text)

    @site.gateway.on_registration
    def on_registration(metadata: dict[str, Any], request: Any) -> None:
        if request.method == "PUT":
            site.gateway.clients.delete(found["client_id"])
        else:
            tokens.revoke(token.id)

    before = len(site.gateway.clients.list())
    refused(register(http, token=text, **NATIVE), "invalid_token", 401)
    assert len(site.gateway.clients.list()) == before
    refused(manage(http, "PUT", found, client_id=found["client_id"], **NATIVE), "invalid_token", 401)
    assert len(site.gateway.clients.list()) == before - 1


def registered_with(http: Any, token: str) -> dict[str, Any]:
    response = register(http, token=token, **NATIVE)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.get_json()
    return found


def test_neither_the_log_nor_the_database_holds_a_token_or_secret(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site = make_site(**OPEN | {"OAUTH_REGISTRATION": "token"})
    http = site.app.test_client()
    text, _ = server_of(site.app).registration_tokens.make("", scope=None, owner=None, uses=5, expires_at=None)
    found = register(http, token=text, redirect_uris=[CALLBACK]).get_json()
    secrets = [text, found["client_secret"], found["registration_access_token"]]
    for token in (text, found["client_secret"]):
        refused(manage(http, "GET", found, token), "invalid_token", 401)
    refused(register(http, token=found["registration_access_token"], **NATIVE), "invalid_token", 401)
    bad = {"client_id": found["client_id"], "client_secret": text}
    refused(manage(http, "PUT", found, **bad, redirect_uris=[CALLBACK]), "invalid_client_metadata")
    server = server_of(site.app)
    server.audit.flush()
    with server.database.engine.connect() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    assert any(found["client_id"] in row for row in rows)
    for secret in secrets:
        assert secret not in caplog.text
        assert not any(secret in row for row in rows)
