"""SQL statements of a warm request, every BEGIN, COMMIT, ROLLBACK and SET among them.

Counted where they can't hide: SQLite tells of each that it runs, MariaDB counts what a session asks for, and between
PostgreSQL and its client the messages are read on the wire. What happens goes into the audit trail together with
others from another thread, so that it isn't in the request's count: the last test says what it costs.
"""

import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, make_url, text

from flask_oauth_gateway.database import background as later
from tests.support.app import basic, bearer, server_of, token_for
from tests.support.proxy import Proxy
from tests.support.site import Site
from tests.support.statements import statements_of
from tests.support.stored import audit_of, database_of, register

Counter = Callable[[Callable[[], object]], int]


class CountingProxy(Proxy):
    """Counts what a PostgreSQL client asks the server to execute: simple queries, and executions of prepared ones."""

    def __init__(self, host: str, port: int) -> None:
        self.executed = 0
        self._rest: dict[int, bytes] = {}
        super().__init__(host, port)

    def heard(self, connection: int, data: bytes) -> bytes:
        known = self._rest.get(connection)
        rest = (known or b"") + data
        if known is None and len(rest) >= 8:  # the first message has no type
            rest = rest[struct.unpack("!I", rest[:4])[0] :]
        while len(rest) >= 5 and len(rest) > (length := struct.unpack("!I", rest[1:5])[0]):
            self.executed += rest[:1] in (b"Q", b"E")
            rest = rest[1 + length :]
        self._rest[connection] = rest
        return data


@pytest.fixture
def proxy(database_uri: str) -> Iterator[CountingProxy | None]:
    url = make_url(database_uri)
    if url.get_backend_name() != "postgresql":
        yield None
        return
    proxy = CountingProxy(url.host or "", url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def config() -> dict[str, Any]:
    return {}


@pytest.fixture
def app(
    make_app: Callable[..., Flask], database_uri: str, proxy: CountingProxy | None, config: dict[str, Any]
) -> Iterator[Flask]:
    url = make_url(database_uri)
    if proxy is not None:
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        url = url.set(host="127.0.0.1", port=proxy.port).update_query_dict(plain)
    app = make_app(OAUTH_DATABASE_URI=url.render_as_string(hide_password=False), **config)
    yield app
    audit_of(app).flush()


@pytest.fixture
def count(app: Flask, proxy: CountingProxy | None, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Calls a function and says how many statements that took, on the one connection that the pool has."""
    monkeypatch.setattr(later, "SECONDS", 3600)
    now = time.monotonic()  # it stands still: what is known for some seconds is so to the end, on a busy machine too
    monkeypatch.setattr(time, "monotonic", lambda: now)
    engine = database_of(app).engine
    told: list[str] = []
    if engine.dialect.name == "sqlite":
        database_of(app).dispose()
        event.listen(engine, "connect", lambda connection, _: connection.set_trace_callback(told.append))

    def so_far() -> int:
        if proxy is not None:
            return proxy.executed
        if engine.dialect.name == "sqlite":
            return len(told)
        row = database_of(app).first(text("SHOW SESSION STATUS LIKE 'Questions'"))
        assert row is not None
        return int(row[1])

    def count(work: Callable[[], object]) -> int:
        work()  # warm
        asking = -so_far() + so_far()  # MariaDB counts the question too
        before = so_far()
        work()
        return so_far() - before - asking

    return count


def test_the_counter_counts(app: Flask, count: Counter) -> None:
    def four() -> None:
        with database_of(app).transaction() as connection:
            connection.exec_driver_sql("SELECT 1")
            connection.exec_driver_sql("SELECT 2")

    assert count(four) == 4


def test_statements_of_a_request(app: Flask, count: Counter) -> None:
    client, registered = app.test_client(), register(app)
    headers = basic(registered.client_id, registered.client_secret or "")
    token = token_for(client, registered)["access_token"]
    spare = iter([token_for(client, registered)["access_token"] for _ in range(4)])

    def post(path: str, **form: str) -> Callable[[], Any]:
        def send() -> None:
            assert client.post(path, data=form, headers=headers).status_code == 200

        return send

    def revoke() -> None:
        assert client.post("/oauth/revoke", data={"token": next(spare)}, headers=headers).status_code == 200

    def refused() -> None:
        assert client.get("/weather", headers=bearer("nobody's")).status_code == 401

    def in_body() -> None:
        assert client.post("/oauth/tokeninfo", data={"access_token": token}).status_code == 200

    counted = {
        "protected view": count(lambda: client.get("/weather", headers=bearer(token))),
        "protected view, refused": count(refused),
        "issue": count(post("/oauth/token", grant_type="client_credentials")),
        "introspect": count(post("/oauth/introspect", token=token)),
        "tokeninfo": count(in_body),
        "revoke": count(revoke),
    }
    assert counted == {
        "protected view": 1,
        "protected view, refused": 1,
        "issue": 1,
        "introspect": 1,
        "tokeninfo": 1,
        "revoke": 1,
    }


def test_statements_of_a_client_that_is_not_remembered(app: Flask, count: Counter) -> None:
    """A client is read with the token that it asks about."""
    client, registered = app.test_client(), register(app)
    headers = basic(registered.client_id, registered.client_secret or "")
    tokens = [token_for(client, registered)["access_token"] for _ in range(3)]
    spare = iter(tokens)

    def post(path: str, **form: str) -> None:
        server_of(app).clients.forget(registered.client_id)
        assert client.post(path, data=form, headers=headers).status_code == 200

    assert count(lambda: post("/oauth/introspect", token=tokens[-1])) == 1
    assert count(lambda: post("/oauth/token", grant_type="client_credentials")) == 2
    assert count(lambda: post("/oauth/revoke", token=next(spare))) == 2


@pytest.mark.parametrize("config", [{"OAUTH_ACCESS_TOKEN_FORMAT": "jwt"}])
def test_statements_of_a_request_about_a_jwt(app: Flask, count: Counter) -> None:
    """Its mark is one statement on PostgreSQL, which looks at the client too; elsewhere a look, and a transaction of two."""
    client, registered = app.test_client(), register(app)
    headers = basic(registered.client_id, registered.client_secret or "")
    tokens = [token_for(client, registered)["access_token"] for _ in range(3)]
    spare = iter(tokens)

    def post(path: str, token: str) -> None:
        assert client.post(path, data={"token": token}, headers=headers).status_code == 200

    at_once = database_of(app).engine.dialect.name == "postgresql"
    assert count(lambda: client.get("/weather", headers=bearer(tokens[-1]))) == 0
    assert count(lambda: token_for(client, registered)) == 1
    assert count(lambda: post("/oauth/introspect", tokens[-1])) == 1
    assert count(lambda: post("/oauth/revoke", next(spare))) == (1 if at_once else 5)


@pytest.mark.parametrize("config", [{"OAUTH_ACCESS_TOKEN_FORMAT": "jwt", "OAUTH_OIDC": True}])
def test_public_documents_ask_the_database_for_nothing(app: Flask, count: Counter) -> None:
    """Metadata come from the settings; of the keys, a process reads what is new once a minute."""
    client = app.test_client()
    for path in (
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource",
        "/oauth/jwks",
    ):
        assert count(lambda path=path: client.get(path).get_data()) == 0, path  # type: ignore[misc]
        assert client.get(path).status_code == 200, path


def test_the_audit_trail_of_many_tokens_costs_little_more(app: Flask, count: Counter) -> None:
    """BEGIN, SELECT and UPDATE of the head, INSERT and COMMIT for all tokens of a second.

    PostgreSQL is sent the rows by one COPY. SQLite counts each of them.

    Each row is far less than a statement of its own: nobody waits for it, and the batch is one transaction.
    """
    client, registered = app.test_client(), register(app)

    def many() -> None:
        for _ in range(50):
            token_for(client, registered)
        audit_of(app).flush()

    rows = 50 if database_of(app).engine.dialect.name == "sqlite" else 1
    assert count(many) == 50 + rows + 4


def test_statements_of_a_code_and_a_refresh(app: Flask, count: Counter) -> None:
    """Two and one on PostgreSQL; elsewhere a look, and a transaction. What has to be decided in between needs the look.

    On SQLite a refresh needs no look before: the first statement of its transaction tells what it has stored.
    """
    site = Site(app)
    registered = site.register()
    codes = iter([site.code(registered) for _ in range(2)])
    tokens = {"refresh_token": site.tokens(registered)["refresh_token"]}

    def redeem() -> None:
        assert site.redeem(registered, next(codes)).status_code == 200

    def refresh(**more: str) -> None:
        response = site.refresh(registered, tokens["refresh_token"], **more)
        assert response.status_code == 200, response.text
        tokens.update(response.get_json())

    expected = {"postgresql": (2, 1, 2), "sqlite": (7, 5, 6)}.get(database_of(app).engine.dialect.name, (7, 6, 6))
    assert (count(redeem), count(refresh), count(lambda: refresh(scope="weather:read"))) == expected
    site.gateway.token_attributes(lambda *_: {"colour": "blue"})
    assert count(refresh) == expected[2]


@pytest.mark.parametrize("config", [{"OAUTH_OIDC": True}])
def test_a_session_costs_an_authorization_request_one_look_and_an_exchange_nothing(app: Flask, count: Counter) -> None:
    """The first sign-in at a client looks too, and begins the session."""
    site = Site(app)
    client = site.register(scope="openid weather:read", skip_consent=True)

    def authorize(scope: str) -> int:
        return count(lambda: site.code(client, scope=scope))

    for _ in range(2):  # the keys and the marks are read
        site.redeem(client, site.code(client, scope="openid weather:read"))
    plain, signed_in = authorize("weather:read"), authorize("openid weather:read")
    assert signed_in == plain + 1
    codes = {
        scope: [site.code(client, scope=scope) for _ in range(2)] for scope in ("weather:read", "openid weather:read")
    }

    def exchange(scope: str) -> int:
        return count(lambda: site.redeem(client, codes[scope].pop()))

    without, within = exchange("weather:read"), exchange("openid weather:read")
    assert within == without
    client = site.register(scope="openid weather:read", skip_consent=True)
    site.code(client, scope="weather:read")
    with statements_of(database_of(app).engine) as told:
        site.code(client, scope="openid")
    ours = [statement for statement, _ in told if "oauth_session" in statement]
    assert [each.split()[0] for each in ours] == ["SELECT", "INSERT"]
