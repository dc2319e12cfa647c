"""How a client says who it is, and the one answer that every failure gets."""

from base64 import b64encode
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.crypto import hashing
from flask_oauth_gateway.signals import client_rejected
from flask_oauth_gateway.stores.registered_client import Client
from tests.support import compiled
from tests.support.app import MakeApp, ask, basic, bearer, recorded, refusal, register, register_public, server_of
from tests.support.clock import Clock
from tests.support.databases import sqlite_only

CHALLENGE = 'Basic realm="oauth", charset="UTF-8"'
GRANT = {"grant_type": "client_credentials"}


def post(client: FlaskClient, authorization: str | None = None, **form: str) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.post("/oauth/token", data=GRANT | form, headers=headers)


def raw_basic(pair: str, encoding: str = "utf-8") -> str:
    return f"Basic {b64encode(pair.encode(encoding)).decode()}"


GARBAGE = [
    "Basic",
    "Basic ",
    "Basic !!!!",
    "Basic \u00e4\u00f6\u00fc",
    "Basic QQ==",  # no colon
    "Basic " + "QUJD" * 5000,
    "Bearer abc",
    "Digest username=x",
    "",
    raw_basic("a\0b:c"),
    raw_basic("a%00b:c%00"),
    raw_basic(":"),
    raw_basic("\x1b[2J:\x1b[2J"),
    raw_basic("x" * 3000 + ":y"),
    raw_basic("\U0001f327:\U0001f327"),
]


def is_turned_away(response: Any) -> bool:
    """Whether the client got the answer that every failed authentication gets."""
    refusal(response, 401, "invalid_client")
    return bool(response.headers["WWW-Authenticate"] == CHALLENGE)


def test_a_client_shows_its_secret_by_basic_or_in_the_body(client: FlaskClient, registered: Client) -> None:
    assert ask(client, registered).status_code == 200
    form = {"client_id": registered.client_id, "client_secret": registered.client_secret}
    assert post(client, **form).status_code == 200


@sqlite_only
@pytest.mark.parametrize("registered_for", ["client_secret_basic", "client_secret_post"])
def test_either_way_serves_whichever_of_the_two_the_client_named(
    app: Flask, client: FlaskClient, registered_for: str
) -> None:
    made = register(app, token_endpoint_auth_method=registered_for)
    assert ask(client, made).status_code == 200
    assert post(client, client_id=made.client_id, client_secret=made.client_secret).status_code == 200


@sqlite_only
@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("padded", [True, False])
def test_the_basic_header_is_read_leniently(client: FlaskClient, registered: Client, scheme: str, padded: bool) -> None:
    for filler in ("", "?", "??"):  # every length modulo three, so that every length of padding
        pair = f"{registered.client_id}:{registered.client_secret}"
        encoded = b64encode(pair.encode()).decode()
        response = post(client, f"{scheme} {encoded if padded else encoded.rstrip('=')}", filler=filler)
        assert response.status_code == 200
    for length in (8, 9, 10):
        made = register(client.application, client_secret="s" * length)
        encoded = b64encode(f"{made.client_id}:{made.client_secret}".encode()).decode()
        assert post(client, f"{scheme} {encoded if padded else encoded.rstrip('=')}").status_code == 200


@sqlite_only
@pytest.mark.parametrize("client_id", ["https://app.example/~me?x=1&y", "a+b c", "100%25", 'it\'s "me"', "a%b"])
@pytest.mark.parametrize("secret", ["with:colon:s", "plus+and space", "100%sure%2B", "%41%42%43%44"])
def test_special_characters_work_form_encoded_and_raw(
    app: Flask, client: FlaskClient, client_id: str, secret: str
) -> None:
    made = register(app, client_id=client_id, client_secret=secret)
    assert ask(client, made).status_code == 200  # form-encoded, as RFC 6749 asks
    assert post(client, client_id=client_id, client_secret=secret).status_code == 200
    if ":" not in client_id:  # raw, as most clients do; a colon in the id can't be told from the one between
        assert post(client, raw_basic(f"{client_id}:{secret}")).status_code == 200


@sqlite_only
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_credentials_beyond_ascii_are_nobodys(client: FlaskClient, encoding: str) -> None:
    assert is_turned_away(post(client, raw_basic("wetter\u00e4:gehe\u00efm", encoding)))
    assert is_turned_away(post(client, client_id="wetter\u00e4", client_secret="gehe\u00efm"))


def test_a_garbage_header_is_turned_away_and_noted_without_trouble(app: Flask, client: FlaskClient) -> None:
    with recorded(client_rejected, app) as rejections:
        for header in GARBAGE:
            assert is_turned_away(post(client, header)), header
    assert len(rejections) == len(GARBAGE)
    noted = server_of(app).audit.newest(100)
    assert {entry.event for entry in noted} == {"client_rejected"}
    assert "a?b" in {entry.client_id for entry in noted}


@sqlite_only
def test_two_ways_at_once_are_an_invalid_request(client: FlaskClient, registered: Client) -> None:
    headers = basic(registered.client_id, registered.client_secret)
    form = {"client_id": registered.client_id, "client_secret": registered.client_secret}
    response = client.post("/oauth/token", data=GRANT | form, headers=headers)
    assert "two ways" in refusal(response, 400, "invalid_request")


@sqlite_only
def test_the_client_id_in_the_body_may_repeat_the_one_in_the_header(client: FlaskClient, registered: Client) -> None:
    header = basic(registered.client_id, registered.client_secret)["Authorization"]
    assert post(client, header, client_id=registered.client_id).status_code == 200
    refusal(post(client, header, client_id="another"), 400, "invalid_request")


@sqlite_only
def test_no_credentials_at_all_or_half_of_them_are_turned_away(client: FlaskClient, registered: Client) -> None:
    assert is_turned_away(post(client))
    assert is_turned_away(post(client, client_id=registered.client_id))
    assert is_turned_away(post(client, client_secret=registered.client_secret))


def test_unknown_wrong_disabled_deleted_and_expired_get_the_same_answer_byte_for_byte(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, clock: Clock
) -> None:
    disabled, deleted, expired = (register(app, secret_expires_in=60) for _ in range(3))
    right = register(app)
    brought = register(app, client_secret="correct horse battery")
    gateway.clients.update(disabled.client_id, enabled=False)
    gateway.clients.delete(deleted.client_id)
    assert ask(client, expired).status_code == 200
    clock.advance(61)
    pairs = [("nobody", "x" * 43), (right.client_id, "wrong"), (right.client_id, ""), (brought.client_id, "wrong")]
    pairs += [(each.client_id, each.client_secret) for each in (disabled, deleted, expired)]
    pairs += [(register_public(app).client_id, "a secret"), (right.client_id.upper(), right.client_secret)]
    answers = set()
    for client_id, secret in pairs:
        for response in (
            post(client, basic(client_id, secret)["Authorization"]),
            post(client, client_id=client_id, client_secret=secret),
        ):
            assert is_turned_away(response)
            answers.add((response.data, str(sorted(response.headers))))
    assert len(answers) == 1


def test_a_disabled_client_that_is_enabled_again_works_again(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    assert ask(client, registered).status_code == 200
    gateway.clients.update(registered.client_id, enabled=False)
    assert is_turned_away(ask(client, registered))
    gateway.clients.update(registered.client_id, enabled=True)
    assert ask(client, registered).status_code == 200


# Public clients


@sqlite_only
def test_a_public_client_gives_its_name_and_no_secret(app: Flask, client: FlaskClient) -> None:
    public = register_public(app)
    assert client.post("/oauth/revoke", data={"client_id": public.client_id, "token": "x"}).status_code == 200
    form = {"client_id": public.client_id, "client_secret": "anything", "token": "x"}
    assert is_turned_away(client.post("/oauth/revoke", data=form))
    headers = basic(public.client_id, "anything")
    assert is_turned_away(client.post("/oauth/revoke", data={"token": "x"}, headers=headers))


@sqlite_only
def test_an_empty_password_in_basic_is_no_secret(app: Flask, client: FlaskClient, registered: Client) -> None:
    """So requests-oauthlib and Go's oauth2 name a public client (RFC 6749 section 2.3.1)."""
    public = register_public(app, client_id="a public client")
    headers = basic(public.client_id, "")
    assert client.post("/oauth/revoke", data={"token": "x"}, headers=headers).status_code == 200
    named = {"token": "x", "client_id": public.client_id}
    assert client.post("/oauth/revoke", data=named, headers=headers).status_code == 200
    other = client.post("/oauth/revoke", data={"token": "x", "client_id": "other"}, headers=headers)
    assert "not the one in the Authorization header" in refusal(other, 400, "invalid_request")
    assert is_turned_away(client.post("/oauth/revoke", data={"token": "x"}, headers=basic(registered.client_id, "")))
    assert is_turned_away(client.post("/oauth/revoke", data={"token": "x"}, headers=basic("", "")))


@sqlite_only
def test_a_token_where_credentials_belong_is_told_what_is_wrong(client: FlaskClient, registered: Client) -> None:
    data = {"grant_type": "client_credentials", "client_id": registered.client_id}
    response = client.post("/oauth/token", data=data, headers=bearer("a stale one"))
    assert "the client's credentials, and no token" in refusal(response, 401, "invalid_client")


@sqlite_only
def test_a_client_with_a_secret_can_t_pass_for_a_public_one(client: FlaskClient, registered: Client) -> None:
    assert is_turned_away(client.post("/oauth/revoke", data={"client_id": registered.client_id, "token": "x"}))


@sqlite_only
@pytest.mark.parametrize(
    ("offered", "works"),
    [
        (["client_secret_basic"], "basic"),
        (["client_secret_post"], "post"),
        (["none"], "none"),
        (["client_secret_basic", "none"], "basic none"),
    ],
)
def test_only_the_methods_that_are_offered_work(make_app: MakeApp, offered: list[str], works: str) -> None:
    app = make_app()
    made, public = register(app), register_public(app)
    client = make_app(OAUTH_CLIENT_AUTH_METHODS=offered).test_client()
    form = {"client_id": made.client_id, "client_secret": made.client_secret}
    responses = {
        "basic": ask(client, made),
        "post": post(client, **form),
        "none": client.post("/oauth/revoke", data={"client_id": public.client_id, "token": "x"}),
    }
    for name, response in responses.items():
        assert response.status_code == 200 if name in works.split() else is_turned_away(response)


# Secrets over time


def test_a_rotated_secret_ends_the_old_one_at_once_where_no_overlap_is_asked(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    renewed = gateway.clients.rotate_secret(registered.client_id)
    assert renewed.client_secret != registered.client_secret
    assert is_turned_away(ask(client, registered))
    assert ask(client, renewed).status_code == 200


def test_with_an_overlap_both_secrets_work_until_it_is_over(
    client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    renewed = gateway.clients.rotate_secret(registered.client_id, overlap=3600)
    clock.advance(3590)
    assert ask(client, registered).status_code == 200
    assert ask(client, renewed).status_code == 200
    clock.advance(11)
    assert is_turned_away(ask(client, registered))
    assert ask(client, renewed).status_code == 200


@sqlite_only
def test_another_process_learns_of_a_new_secret_at_once(make_app: MakeApp) -> None:
    here, there = make_app(), make_app()
    made = register(here)
    client = there.test_client()
    assert ask(client, made).status_code == 200  # remembered there from now on
    renewed = here.extensions["oauth_gateway"].clients.rotate_secret(made.client_id)
    assert ask(client, renewed).status_code == 200
    assert is_turned_away(ask(client, made))


def test_a_secret_that_ends_is_refused_after_its_time(app: Flask, client: FlaskClient, clock: Clock) -> None:
    made = register(app, secret_expires_in=1000)
    clock.advance(900)
    assert ask(client, made).status_code == 200
    clock.advance(101)
    assert is_turned_away(ask(client, made))


@sqlite_only
def test_a_brought_secret_is_verified_slowly_once_and_then_remembered(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = register(app, client_secret="from the old server")
    assert gateway.clients.get(made.client_id).secrets[0].digest.startswith("$argon2id$")
    slow, calls = hashing._argon2(), []

    class Counting:
        def verify(self, digest: str, secret: str) -> bool:
            calls.append(secret)
            return bool(slow.verify(digest, secret))

        def hash(self, secret: str) -> str:
            return str(slow.hash(secret))

    monkeypatch.setattr(hashing, "_argon2", Counting)
    assert compiled.COST == (19 * 1024, 2), "what OWASP recommends; in the tests it is less"
    for _ in range(3):
        assert ask(client, made).status_code == 200
    assert calls == ["from the old server"]
    assert is_turned_away(post(client, client_id=made.client_id, client_secret="from the old serveR"))
    assert calls[1:2] == ["from the old serveR"]
    renewed = gateway.clients.rotate_secret(made.client_id, client_secret="another secret")
    assert is_turned_away(ask(client, made))  # what was remembered of a secret doesn't outlive it
    assert ask(client, renewed).status_code == 200


def test_the_last_use_of_each_secret_is_noted_within_minutes(
    client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    def last_uses() -> list[int | None]:
        gateway.close()  # written later, and at the end
        return [secret.last_used_at for secret in gateway.clients.get(registered.client_id).secrets]

    assert last_uses() == [None]
    ask(client, registered)
    (first,) = last_uses()
    assert first is not None
    clock.advance(10)
    ask(client, registered)
    assert last_uses() == [first]  # not written at every request
    renewed = gateway.clients.rotate_secret(registered.client_id, overlap=9000)
    clock.advance(600)
    ask(client, renewed)
    old, new = last_uses()
    assert old == first
    assert new is not None
    assert new >= first + 600
