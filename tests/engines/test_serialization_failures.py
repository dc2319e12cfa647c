"""Databases that let transactions go on side by side undo one in ten of them: nobody is told, and nothing is done twice.

CockroachDB and YugabyteDB speak PostgreSQL's protocol and do this all the time. Here PostgreSQL does, by way of a proxy.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, make_url, select

from flask_oauth_gateway.database import libpq
from flask_oauth_gateway.database.tables import audit, refresh_token
from tests.support import device
from tests.support.serialization_failures import SerializationFailures
from tests.support.site import DEVICE_CODE, GRANT_TYPES, MakeSite, Site, granted
from tests.support.stored import audit_of, database_of

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_uri", ["postgresql"], indirect=True),
    pytest.mark.parametrize("by_libpq", [True, False], ids=["libpq", "psycopg's cursor"], indirect=True),
]
ONE_IN = 10
AT_ONCE = 20


@pytest.fixture
def by_libpq(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether libpq runs the statements of requests, or psycopg's cursor, as under gevent."""
    if not request.param:
        monkeypatch.setattr(libpq, "_link", lambda _: None)
    return bool(request.param)


@pytest.fixture
def proxy(database_uri: str) -> Iterator[SerializationFailures]:
    url = make_url(database_uri)
    proxy = SerializationFailures(url.host or "", url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def make_undone(
    make_site: MakeSite, database_uri: str, proxy: SerializationFailures, by_libpq: bool
) -> Iterator[Callable[..., Site]]:
    """A site whose database undoes one statement, and one COMMIT, in ten."""
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    url = make_url(database_uri).set(host="127.0.0.1", port=proxy.port).update_query_dict(plain)

    def make(**config: Any) -> Site:
        made = make_site(
            OAUTH_DATABASE_URI=url.render_as_string(hide_password=False),
            OAUTH_RATE_LIMITS=None,
            OAUTH_REVOCATION_POLL_SECONDS=0,
            **config,
        )
        made.gateway.check_password(lambda username, _: made.people.get(username))
        database_of(made.app).engine.connect().close()  # it makes its tables in peace
        proxy.one_in = ONE_IN
        return made

    yield make
    proxy.one_in = 0


def a_life(site: Site, number: int) -> tuple[list[str], list[str]]:
    """Every flow, once: each is answered as it should be. Returns the tokens that must be good afterwards, and the others."""
    client = site.register(grant_types=GRANT_TYPES, client_id=f"client {number}")
    given = [site.tokens(client)]
    given.append(granted(site.refresh(client, given[0]["refresh_token"])))
    given.append(granted(device.poll(site, client, device.approved(site, client))))
    given.append(granted(site.token(client, "password", username="bob", password="right")))
    good = [each["access_token"] for each in given[:2]]
    lost = [each["access_token"] for each in given[2:]]
    own = [granted(site.token(client, "client_credentials"))["access_token"] for _ in range(3)]
    for token in (*good, *lost, *own):
        assert site.post(client, "/oauth/introspect", token=token).get_json()["active"]
        assert site.is_live(token)
    assert site.post(client, "/oauth/revoke", token=own[0]).status_code == 200
    assert site.post(client, "/oauth/revoke", token=given[2]["refresh_token"]).status_code == 200
    assert site.gateway.tokens.revoke(subject="bob") >= 0
    site.gateway.clients.rotate_secret(client.client_id)
    site.gateway.clients.update(client.client_id, client_name="Renamed")
    return good + own[1:], [*lost, own[0]]


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_every_flow_is_answered_as_if_nothing_were_undone(
    make_undone: Callable[..., Site], proxy: SerializationFailures, token_format: str
) -> None:
    site = make_undone(OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    good, revoked, lives = [], [], 0
    while lives < 8 or (lives < 40 and proxy.failed["commit"] <= 5):  # which of them fails is chance
        these, those = a_life(site, lives)
        good += these
        revoked += those
        lives += 1
        audit_of(site.app).flush()
    assert {site.is_live(token) for token in good} == {True}
    assert {site.is_live(token) for token in revoked} == {False}
    assert proxy.failed["statement"] > 30
    assert proxy.failed["commit"] > 5
    proxy.one_in = 0
    assert not audit_of(site.app).verify().findings
    with database_of(site.app).engine.connect() as connection:
        rows = connection.execute(select(audit.c.event, func.count()).group_by(audit.c.event)).all()
        issued = {event: number for event, number in rows if event in ("token_issued", "token_refreshed")}
        assert issued == {"token_issued": lives * 6, "token_refreshed": lives}
        assert connection.scalar(select(func.count()).select_from(refresh_token)) == lives * 4, (
            "none twice, none missing"
        )


def test_of_many_at_once_one_gets_the_tokens(make_undone: Callable[..., Site], proxy: SerializationFailures) -> None:
    site = make_undone()
    client = site.register(grant_types=GRANT_TYPES)
    for _ in range(5):
        device_code, code = device.approved(site, client), site.code(client)
        refresh_token = site.tokens(client)["refresh_token"]
        spends: list[Callable[[], Any]] = [
            lambda code=code: site.redeem(client, code),  # type: ignore[misc]
            lambda it=refresh_token: site.refresh(client, it),  # type: ignore[misc]
            lambda it=device_code: site.token(client, DEVICE_CODE, device_code=it),  # type: ignore[misc]
        ]
        for spend in spends:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                statuses = Counter(answer.status_code for answer in pool.map(lambda _, it=spend: it(), range(AT_ONCE)))
            assert statuses == {200: 1, 400: AT_ONCE - 1}
    assert proxy.failed["statement"] > 20
