"""What the signals say, each to the app that it happened in, and nothing that is secret."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from blinker import Signal
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, signals
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, basic, bearer, recorded, register, register_public, token_for

EVERY = {name: signal for name, signal in vars(signals).items() if isinstance(signal, Signal)}


@contextmanager
def all_recorded(app: Flask) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """The payloads of every signal of an app, by the signal's name; of those that were sent."""
    with ExitStack() as stack:
        found = {name: stack.enter_context(recorded(signal, app)) for name, signal in EVERY.items()}
        yield found
    for name in [name for name, payloads in found.items() if not payloads]:
        del found[name]


def test_the_registry_says_what_it_did(app: Flask, gateway: OAuthGateway) -> None:
    with all_recorded(app) as heard:
        made = register(app, client_name="Station")
        gateway.clients.update(made.client_id, scope="weather:read", enabled=False)
        gateway.clients.rotate_secret(made.client_id, overlap=60)
        gateway.clients.delete(made.client_id)
    name = {"client_id": made.client_id, "actor": "command line or code"}
    assert heard == {
        "client_created": [name],
        "client_changed": [
            {**name, "change": "update", "fields": ["enabled", "scope"], "enabled": False},
            {**name, "change": "rotate_secret", "fields": ["client_secret"], "enabled": None},
            {**name, "change": "delete", "fields": [], "enabled": None},
        ],
    }


def test_a_token_request_says_who_authenticated_and_what_was_given(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    with all_recorded(app) as heard:
        token = token_for(client, registered, scope="weather:read")["access_token"]
    assert heard == {
        "client_authenticated": [{"client_id": registered.client_id, "method": "client_secret_basic"}],
        "token_issued": [
            {
                "client_id": registered.client_id,
                "subject": None,
                "grant_type": "client_credentials",
                "scopes": ("weather:read",),
                "token_id": gateway.tokens.get(token=token).token_id,
            }
        ],
    }


def test_a_token_minted_in_code_says_so_too(app: Flask, gateway: OAuthGateway, registered: Client) -> None:
    with all_recorded(app) as heard:
        gateway.tokens.issue(registered.client_id, subject="alice")
    (issued,) = heard["token_issued"]
    assert (issued["subject"], issued["grant_type"]) == ("alice", "direct")
    assert set(heard) == {"token_issued"}


def test_a_failed_authentication_says_why_which_the_caller_is_not_told(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    public = register_public(app)
    with all_recorded(app) as heard:
        for client_id, secret in (("nobody", "x"), (registered.client_id, "wrong"), (public.client_id, "x")):
            client.post("/oauth/token", headers=basic(client_id, secret), data={"grant_type": "client_credentials"})
        client.post("/oauth/token", data={"grant_type": "client_credentials"})
    assert heard == {
        "client_rejected": [
            {"client_id": "nobody", "reason": "no such client"},
            {"client_id": registered.client_id, "reason": "wrong secret"},
            {"client_id": public.client_id, "reason": "wrong secret"},
            {"client_id": None, "reason": "no credentials"},
        ]
    }


def test_revoking_says_by_whom(app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client) -> None:
    one, two = (token_for(client, registered)["access_token"] for _ in range(2))
    gateway.tokens.issue(registered.client_id, subject="alice")
    ids = [gateway.tokens.get(token=token).token_id for token in (one, two)]
    with recorded(signals.token_revoked, app) as revoked:
        headers = basic(registered.client_id, registered.client_secret)
        for token in (one, one, "unknown"):  # what ends nothing says nothing
            client.post("/oauth/revoke", data={"token": token}, headers=headers)
        gateway.tokens.revoke(token=two)
        gateway.tokens.revoke(token=two)
        gateway.tokens.revoke(subject="alice")
    nothing = {"client_id": None, "subject": None, "token_id": None, "reason": None, "found_at": None}
    assert revoked == [
        {**nothing, "client_id": registered.client_id, "token_id": ids[0], "count": 1, "by": "client", "actor": None},
        {**nothing, "token_id": ids[1], "count": 1, "by": "code", "actor": "command line or code"},
        {**nothing, "subject": "alice", "count": 1, "by": "code", "actor": "command line or code"},
    ]


def test_a_refused_token_says_where_and_why_and_a_missing_one_nothing(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    writer = token_for(client, registered, scope="weather:write")["access_token"]
    dead = token_for(client, registered)["access_token"]
    gateway.tokens.revoke(token=dead)
    with all_recorded(app) as heard:
        client.get("/weather")
        for token in ("unknown", writer, dead, "a b"):
            client.get("/weather", headers=bearer(token))
    assert set(heard) == {"token_rejected"}
    assert [(each["error"], each["client_id"], each["path"]) for each in heard["token_rejected"]] == [
        ("invalid_token", None, "/weather"),
        ("insufficient_scope", registered.client_id, "/weather"),
        ("invalid_token", registered.client_id, "/weather"),
        ("invalid_request", None, "/weather"),
    ]
    assert heard["token_rejected"][2]["reason"] == "The access token was revoked."


def test_each_app_hears_of_its_own_alone(make_app: MakeApp, tmp_path: Path) -> None:
    one, two = make_app(), make_app(OAUTH_DATABASE_URI=f"sqlite:///{tmp_path}/other.db")
    with all_recorded(one) as heard:
        ask(two.test_client(), register(two))
    assert heard == {}


def test_every_signal_is_documented_by_what_it_carries() -> None:
    from pathlib import Path

    lines = Path(signals.__file__).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if "_signals.signal(" in line:
            assert lines[number - 1].startswith("#"), line
