"""`gateway.clients`: registering, reading, changing and deleting clients in code."""

import re
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import ClientMetadataError, ClientNotFound, OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, is_accepted, register, register_public, server_of, token_for
from tests.support.databases import every_database, sqlite_only


def test_clients_are_found_by_the_start_of_their_id_and_by_their_name_page_by_page(gateway: OAuthGateway) -> None:
    for number in range(5):
        gateway.clients.create(
            client_id=f"station-{number}", client_name=f"Straße {number} 100%", owner=f"o{number % 2}"
        )
    gateway.clients.create(client_id="other")
    pages, after = [], None
    while not pages or after is not None:
        page = gateway.clients.find("station-", after=after, limit=2)
        pages.append([client.client_id[-1] for client in page.clients])
        after = page.next
    assert pages == [["0", "1"], ["2", "3"], ["4"]]
    gateway.clients.update("station-4", client_name="Renamed")
    for text, owner, found in (
        ("STRASSE", None, "0123"),
        ("100%", "o1", "13"),
        ("renam", None, "4"),
        ("%", None, "0123"),
        ("tation", None, ""),
        ("\0", "o0", "024"),
    ):
        assert "".join(c.client_id[-1] for c in gateway.clients.find(text, owner=owner).clients) == found, text
    for wrong in ({"after": "x"}, {"limit": 0}):
        with pytest.raises(ValueError, match=r"after is|limit is"):
            gateway.clients.find(**wrong)


def test_a_client_is_made_with_an_id_and_a_secret_that_is_shown_once(gateway: OAuthGateway) -> None:
    before = int(time.time())
    made = gateway.clients.create(
        client_name="Weather station",
        grant_types=["client_credentials"],
        scope=("weather:read", "weather:write"),
        default_scope="weather:read",
        contacts=["ops@example.com"],
        attributes={"tier": 1, "tags": ["a"]},
        access_token_lifetime=60,
        owner="alice",
    )
    assert re.fullmatch(r"[0-9a-f]{32}", made.client_id)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{42}", made.client_secret)
    found = gateway.clients.get(made.client_id)
    assert found.client_secret is None
    assert found == made.with_secret(None)
    assert (found.client_name, found.scope, found.default_scope) == (
        "Weather station",
        "weather:read weather:write",
        "weather:read",
    )
    assert found.grant_types == ["client_credentials"]
    assert found.scopes == {"weather:read", "weather:write"}
    assert found.attributes == {"tier": 1, "tags": ["a"]}
    assert (found.owner, found.enabled, found.is_public) == ("alice", True, False)
    assert before <= found.created_at == found.updated_at <= time.time()
    (secret,) = found.secrets
    assert secret.hint == made.client_secret[-4:]
    assert made.client_secret not in repr(made) + repr(secret) + str(secret)
    assert secret.digest not in repr(secret)


def test_clients_are_listed_oldest_first_with_all_their_secrets(app: Flask, gateway: OAuthGateway) -> None:
    assert gateway.clients.list() == []
    names = [register(app, client_name=name).client_id for name in ("c", "a", "b")]
    public = register_public(app).client_id
    gateway.clients.rotate_secret(names[1], overlap=60)
    listed = gateway.clients.list()
    assert [each.client_id for each in listed] == [*names, public]
    assert [len(each.secrets) for each in listed] == [1, 2, 1, 0]
    assert listed[1] == gateway.clients.get(names[1])


def test_a_client_that_is_not_there_is_none_or_a_lookup_error_with_its_name(gateway: OAuthGateway) -> None:
    assert gateway.clients.get("nobody") is None
    for call in (gateway.clients.update, gateway.clients.rotate_secret, gateway.clients.delete):
        with pytest.raises(ClientNotFound, match="There is no client 'nobody'"):
            call("nobody")
    assert issubclass(ClientNotFound, LookupError)


def test_brought_ids_may_be_urls_of_2048_characters_and_differ_by_case_or_their_last_character(
    app: Flask, client: FlaskClient
) -> None:
    start = "https://app.example/" + "x" * 2027
    ids = [start + end for end in ("a", "A", "b")] + ["Station", "station"]
    made = [register(app, client_id=client_id, client_secret="brought " + client_id[-1]) for client_id in ids]
    assert [each.client_id for each in made] == ids
    assert len(ids[0]) == 2048
    for each in made:
        assert ask(client, each).status_code == 200
    assert token_for(client, made[0])["access_token"]
    gateway = app.extensions["oauth_gateway"]
    assert len(gateway.tokens.find(client_id=ids[1]).tokens) == 1


def test_a_name_is_whatever_people_write(gateway: OAuthGateway) -> None:
    names = ("Wetterstation \u00d6tztal \U0001f327", "<script>alert('1')</script>", "\u200fRTL \u202e", "x" * 2048, "")
    for name in names:
        made = gateway.clients.create(client_name=name)
        assert gateway.clients.get(made.client_id).client_name == name


def test_an_id_that_is_taken_stays_with_the_client_that_has_it(app: Flask, client: FlaskClient) -> None:
    first = register(app, client_id="station")
    with pytest.raises(ClientMetadataError, match="There is a client 'station' already"):
        register(app, client_id="station", client_name="another")
    assert ask(client, first).status_code == 200


@sqlite_only
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"client_id": ""}, "A client_id is 1 to 2048 printable ASCII characters."),
        ({"client_id": "x" * 2049}, "A client_id is 1 to 2048 printable ASCII characters."),
        ({"client_id": "wetter\u00f6"}, "A client_id is 1 to 2048 printable ASCII characters."),
        ({"client_id": "a\nb"}, "A client_id is 1 to 2048 printable ASCII characters."),
        ({"client_secret": "short"}, "A client_secret has 8 to 1024 printable ASCII characters."),
        ({"client_secret": "x" * 1025}, "A client_secret has 8 to 1024 printable ASCII characters."),
        ({"client_secret": "p\u00e4sswords"}, "A client_secret has 8 to 1024 printable ASCII characters."),
        ({"secret_expires_in": 0}, "A secret lives for a second or more, and for a hundred years at most."),
        ({"secret_expires_in": 2**53}, "A secret lives for a second or more, and for a hundred years at most."),
        ({"owner": "x" * 256}, "owner is a subject: 1 to 255 characters, none of them a control character."),
        ({"owner": "a\0b"}, "owner is a subject: 1 to 255 characters, none of them a control character."),
        ({"owner": 5}, "owner is a subject: 1 to 255 characters, none of them a control character."),
        (
            {"token_endpoint_auth_method": "none", "grant_types": [], "client_secret": "x" * 20},
            "A client registered for none has no client_secret.",
        ),
    ],
)
def test_what_can_t_be_is_refused_with_a_sentence_and_leaves_nothing(
    app: Flask, gateway: OAuthGateway, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ClientMetadataError) as refused:
        register(app, **arguments)
    assert str(refused.value) == sentence
    assert gateway.clients.list() == []


# Changes


def test_an_update_changes_what_is_named_and_leaves_the_rest(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    changed = gateway.clients.update(registered.client_id, client_name="New name", scope="weather:read", owner="bob")
    assert (changed.client_name, changed.scope, changed.owner) == ("New name", "weather:read", "bob")
    assert changed.grant_types == registered.grant_types
    assert changed.version == registered.version + 1
    assert changed == gateway.clients.get(registered.client_id)
    assert token_for(client, registered)["scope"] == "weather:read"
    emptied = gateway.clients.update(registered.client_id, client_name=None, owner=None)
    assert (emptied.client_name, emptied.owner, emptied.scope) == ("", None, "weather:read")


@sqlite_only
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"enabled": "no"}, "enabled is True or False."),
        ({"enabled": None}, "enabled is True or False."),
        ({"owner": ""}, "owner is a subject: 1 to 255 characters, none of them a control character."),
        ({"client_secret": "a new secret"}, "'client_secret' is not something that a client's registration says."),
        ({"scope": "weather:rain"}, "scope names 'weather:rain', which is not in OAUTH_SCOPES"),
        ({"default_scope": "weather:write", "scope": "weather:read"}, "default_scope names 'weather:write'"),
    ],
)
def test_a_change_that_can_t_be_is_refused_and_changes_nothing(
    gateway: OAuthGateway, registered: Client, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ClientMetadataError, match=re.escape(sentence)):
        gateway.clients.update(registered.client_id, **changes)
    assert gateway.clients.get(registered.client_id) == registered.with_secret(None)


@sqlite_only
def test_a_client_made_without_a_secret_can_t_come_to_need_one(app: Flask, gateway: OAuthGateway) -> None:
    public = register_public(app)
    with pytest.raises(ClientMetadataError, match="has no secret"):
        gateway.clients.update(public.client_id, token_endpoint_auth_method="client_secret_basic")
    with pytest.raises(ClientMetadataError, match="A client registered for none has no client_secret"):
        gateway.clients.rotate_secret(public.client_id)


@sqlite_only
def test_a_client_can_be_disabled_after_the_settings_moved_on_from_it(make_app: MakeApp) -> None:
    before = make_app()
    made, public = register(before), register_public(before)
    after = make_app(OAUTH_SCOPES={"other": "Another"}, OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic"])
    registry = after.extensions["oauth_gateway"].clients
    for each in (made, public):
        changed = registry.update(each.client_id, enabled=False, owner="ops")
        assert (changed.enabled, changed.owner, changed.scope) == (False, "ops", each.scope)
    with pytest.raises(ClientMetadataError, match="weather:read"):
        registry.update(made.client_id, client_name="New")


def test_of_two_changes_at_once_neither_is_lost(
    app: Flask, gateway: OAuthGateway, registered: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server_of(app).clients
    change, others = store.change, ["alice"]

    def change_after_somebody_else(client: Client, values: Any) -> bool:
        if others:
            gateway.clients.update(client.client_id, owner=others.pop())
        return bool(change(client, values))

    monkeypatch.setattr(store, "change", change_after_somebody_else)
    changed = gateway.clients.update(registered.client_id, client_name="New name")
    assert (changed.owner, changed.client_name) == ("alice", "New name")
    assert changed.version == registered.version + 2


@sqlite_only
def test_an_update_that_never_comes_through_says_so(
    app: Flask, gateway: OAuthGateway, registered: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_of(app).clients, "change", lambda *_: False)
    with pytest.raises(ClientMetadataError, match="is being changed by somebody else"):
        gateway.clients.update(registered.client_id, client_name="New name")


def test_several_secrets_live_side_by_side(client: FlaskClient, gateway: OAuthGateway, registered: Client) -> None:
    second = gateway.clients.rotate_secret(registered.client_id, overlap=600, expires_in=300)
    third = gateway.clients.rotate_secret(registered.client_id, overlap=60, client_secret="brought by hand")
    assert third.client_secret == "brought by hand"
    for each in (registered, second, third):
        assert ask(client, each).status_code == 200
    first, middle, last = gateway.clients.get(registered.client_id).secrets
    assert [s.hint for s in (first, middle, last)] == [each.client_secret[-4:] for each in (registered, second, third)]
    assert first.expires_at == middle.expires_at == last.created_at + 60
    assert last.expires_at is None
    gateway.clients.rotate_secret(registered.client_id)
    assert len(gateway.clients.get(registered.client_id).secrets) == 1


@sqlite_only
def test_an_overlap_never_lengthens_a_life(gateway: OAuthGateway, registered: Client) -> None:
    gateway.clients.rotate_secret(registered.client_id, overlap=60)
    gateway.clients.rotate_secret(registered.client_id, overlap=6000)
    first, second, third = gateway.clients.get(registered.client_id).secrets
    assert first.expires_at <= third.created_at + 60
    assert second.expires_at == third.created_at + 6000


@sqlite_only
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"overlap": -1}, "overlap is a number of seconds, zero or more, and a hundred years at most."),
        ({"overlap": 2**53}, "overlap is a number of seconds, zero or more, and a hundred years at most."),
        ({"expires_in": 0}, "A secret lives for a second or more, and for a hundred years at most."),
        ({"expires_in": 2**53}, "A secret lives for a second or more, and for a hundred years at most."),
        ({"client_secret": "short"}, "A client_secret has 8 to 1024 printable ASCII characters."),
    ],
)
def test_a_rotation_that_can_t_be_leaves_the_old_secret(
    client: FlaskClient, gateway: OAuthGateway, registered: Client, arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ClientMetadataError) as refused:
        gateway.clients.rotate_secret(registered.client_id, **arguments)
    assert str(refused.value) == sentence
    assert ask(client, registered).status_code == 200


def test_a_deleted_client_is_gone_with_its_secrets_and_its_tokens(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    gateway.clients.delete(registered.client_id)
    assert gateway.clients.get(registered.client_id) is None
    assert gateway.clients.list() == []
    assert ask(client, registered).status_code == 401
    assert not is_accepted(client, token)
    with pytest.raises(ClientNotFound):
        gateway.clients.delete(registered.client_id)


@every_database
def test_attributes_are_what_every_database_keeps(gateway: OAuthGateway) -> None:
    deep: list[Any] = []
    for _ in range(28):
        deep = [deep]
    fine = {"deep": deep, "text": "\u0000 \U0001f327 \u00e4"}
    made = gateway.clients.create(grant_types=["client_credentials"], attributes=fine)
    assert gateway.clients.get(made.client_id).attributes == fine
    for wrong in ({"deep": [[deep]]}, {"text": "\ud800"}, {"\udfff": 1}):
        with pytest.raises(ClientMetadataError, match=r"attributes is a JSON object\. It is at most 30 deep"):
            gateway.clients.update(made.client_id, attributes=wrong)
