"""What was revoked while a process looked it up is not remembered as good."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from tests.support.app import MakeApp, is_accepted, register, server_of, token_for
from tests.support.databases import sqlite_only

pytestmark = sqlite_only


def meanwhile(monkeypatch: pytest.MonkeyPatch, store: Any, name: str, happens: Any) -> None:
    """After the look-up that a store does next, and before its answer is used, something happens."""
    look_up = getattr(store, name)

    def slow(*arguments: Any) -> Any:
        found = look_up(*arguments)
        monkeypatch.undo()
        happens()
        return found

    monkeypatch.setattr(store, name, slow)


def test_a_token_that_is_revoked_while_it_is_looked_up_is_not_remembered(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(OAUTH_TOKEN_CACHE_SECONDS=3600)
    client, gateway = app.test_client(), app.extensions["oauth_gateway"]
    token = token_for(client, register(app))["access_token"]
    meanwhile(monkeypatch, server_of(app).tokens, "find", lambda: gateway.tokens.revoke(token=token))
    assert is_accepted(client, token), "it was good when it was read"
    assert not is_accepted(client, token)


def test_a_jwt_that_is_revoked_while_the_marks_are_read_is_refused_the_next_time(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=3600)
    client, server = app.test_client(), server_of(app)
    token = token_for(client, register(app))["access_token"]
    assert is_accepted(client, token)
    jti = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["jti"]

    def revoke() -> None:
        server.revocations.refuse("token", jti)
        server.revoking.forget()

    server.revoking.forget()
    meanwhile(monkeypatch, server.revocations, "counts", revoke)
    assert is_accepted(client, token)
    assert not is_accepted(client, token)
