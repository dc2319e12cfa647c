"""A proof opens a view once, however many bring it at once, and never where nobody can tell whether it was used."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.bound_tokens.places import Places
from tests.support.app import MakeApp, refusal
from tests.support.databases import every_database
from tests.support.proofs import ProofKey
from tests.support.racing import race
from tests.support.redis_server import RedisServer

HOLDER = ProofKey()


def winners(app: Flask, uri: str, **config: Any) -> dict[int, int]:
    """How a view answers 20 requests with one proof, which come at once to two processes."""
    token = Places.mint(app, {"jkt": HOLDER.thumbprint}, scopes=("weather:read",))
    statuses = race([uri] * 2, 10, "/weather", [HOLDER.with_token(token) for _ in range(3)], OAUTH_DPOP=True, **config)
    assert len(statuses) == 3
    assert all(each == statuses[0] for each in statuses)
    return statuses[0]


@every_database
def test_of_twenty_at_once_one_is_let_in(make_app: MakeApp, database_uri: str) -> None:
    assert winners(make_app(OAUTH_DPOP=True), database_uri) == {200: 1, 401: 19}


@every_database
@pytest.mark.redis
def test_of_twenty_at_once_one_is_let_in_with_redis(make_app: MakeApp, database_uri: str, redis_url: str) -> None:
    assert winners(make_app(OAUTH_DPOP=True), database_uri, OAUTH_REDIS_URL=redis_url) == {200: 1, 401: 19}


@pytest.mark.redis
def test_without_redis_nobody_is_let_in(make_app: MakeApp, tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    server.start()
    app = make_app(OAUTH_DPOP=True, OAUTH_REDIS_URL=server.url)
    token, client = Places.mint(app, {"jkt": HOLDER.thumbprint}, scopes=("weather:read",)), app.test_client()
    headers = HOLDER.with_token(token)
    assert client.get("/weather", headers=headers).status_code == 200
    server.stop()
    for sent in (headers, HOLDER.with_token(token)):
        answer = client.get("/weather", headers=sent)
        refusal(answer, 503, "temporarily_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
