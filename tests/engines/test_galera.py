"""On Galera, with an app at each of three nodes: what is decided at one counts at all, and nothing is done twice."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from flask_oauth_gateway.database.tables import audit
from flask_oauth_gateway.stores.revocations.mark import bucket_of, mark_of
from tests.support import device
from tests.support.app import MakeApp, gateway_of, server_of
from tests.support.app import ask as ask_as
from tests.support.galera import NODES, Galera, Spread, own_galera
from tests.support.other_process import OtherProcess
from tests.support.racing import eventually, race, together
from tests.support.random_story import Model
from tests.support.signing import claims_of
from tests.support.site import DEVICE_CODE, REDIRECT_URI, VERIFIER, MakeSite, every_flow
from tests.support.stored import audit_of, database_of, register, status_with, tokens_of
from tests.support.trading import CLIENT_ASSERTION, GRANT, GRANT_TYPES, IDP, MakeTrading

pytestmark = [pytest.mark.galera, pytest.mark.parametrize("database_uri", ["galera"], indirect=True)]
THREADS = 7  # in the process at each node
NAME = "gateway"
GRANTS = ("authorization_code", "refresh_token", DEVICE_CODE)
LOCK_WAIT_SECONDS = 50  # MariaDB's default


@pytest.fixture(scope="module")
def galera() -> Iterator[Galera]:
    with own_galera() as galera:
        yield galera


@pytest.fixture
def database_uri(galera: Galera) -> str:
    """A new database, at the first node."""
    galera.make_database(NAME)
    return galera.url(0, NAME)


@pytest.fixture
def uris(galera: Galera, app: Flask) -> list[str]:
    """The same database at each node, with its tables."""
    database_of(app).engine.connect().close()
    return [galera.url(node, NAME) for node in range(NODES)]


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_one_of_21_at_three_nodes_gets_the_tokens_of_a_code_a_refresh_token_and_a_device_code(
    make_site: MakeSite, uris: list[str], token_format: str
) -> None:
    config = {"OAUTH_ACCESS_TOKEN_FORMAT": token_format, "OAUTH_GRANT_TYPES": [*GRANTS]}
    site = make_site(**config)
    client = site.register_public(grant_types=[*GRANTS])
    forms = []
    for _ in range(3):
        code = {"code": site.code(client), "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
        forms.append({"grant_type": "authorization_code", **code})
        forms.append({"grant_type": "refresh_token", "refresh_token": site.tokens(client)["refresh_token"]})
        forms.append({"grant_type": DEVICE_CODE, "device_code": device.approved(site, client)})
    forms = [{**form, "client_id": client.client_id} for form in forms]
    for statuses in race(uris, THREADS, "/oauth/token", forms, **config):
        assert statuses == {200: 1, 400: NODES * THREADS - 1}


def test_one_of_21_at_three_nodes_uses_an_assertion(make_trading: MakeTrading, uris: list[str]) -> None:
    """As a grant, and to authenticate."""
    trading = make_trading()
    trading.register_signing(trading.signer, client_id="signing")
    proofs = [trading.signer.sign(claims_of("signing", sub="signing")) for _ in range(3)]
    grants = [{"grant_type": GRANT, "assertion": trading.assertion()} for _ in range(3)]
    who = {"grant_type": "client_credentials", "client_assertion_type": CLIENT_ASSERTION}
    issuers = {IDP: {"jwks": trading.signer.jwks(), "client_id": "partner"}}
    statuses = race(
        uris,
        THREADS,
        "/oauth/token",
        [*grants, *({**who, "client_assertion": proof} for proof in proofs)],
        OAUTH_GRANT_TYPES=GRANT_TYPES,
        OAUTH_JWT_ISSUERS=issuers,
    )
    assert statuses == [{200: 1, 400: 20}] * 3 + [{200: 1, 401: 20}] * 3
    with trading.app.app_context():
        assert len(tokens_of(trading.app).find().tokens) == 6


@pytest.fixture
def app_at(make_app: MakeApp, uris: list[str]) -> Callable[..., Flask]:
    """An app at the node of a number."""
    return lambda node, **config: make_app(OAUTH_DATABASE_URI=uris[node], **config)


def test_what_one_node_decided_counts_at_a_node_that_is_behind(
    galera: Galera, app: Flask, app_at: Callable[..., Flask]
) -> None:
    """A new token is good there, a revoked one isn't, a code of a new client is redeemed: none is decided by what is old."""
    other = app_at(1)
    registered = register(app, client_id="one")
    old = issue(app)
    assert status_with(other, old) == 200
    with ThreadPoolExecutor(4) as pool, galera.behind(1) as go_on:
        new = issue(app)
        gateway_of(app).tokens.revoke(token=old)
        gateway_of(app).clients.update("one", client_name="Renamed")
        late = register(app, client_id="late")
        looks = [pool.submit(status_with, other, token) for token in (new, old)]
        asks = [pool.submit(ask_for_token, other, client) for client in (late, registered)]
        time.sleep(0.3)
        go_on()
        assert [each.result() for each in looks + asks] == [200, 401, 200, 200]


def test_every_flow_works_though_each_request_is_at_another_node(
    galera: Galera, uris: list[str], make_site: MakeSite
) -> None:
    """As behind a proxy that spreads connections over the nodes."""
    with closing(Spread(galera)) as spread:
        site = make_site(OAUTH_DATABASE_URI=galera.url(0, NAME, spread.port))
        site.app.before_request(lambda: database_of(site.app).dispose())
        for _ in range(10):
            every_flow(site)


def issue(app: Flask, client_id: str = "one", subject: str | None = "alice") -> str:
    with app.test_request_context():
        return str(gateway_of(app).tokens.issue(client_id, subject=subject, scope=["weather:read"])["access_token"])


def ask_for_token(app: Flask, client: Any) -> int:
    return ask_as(app.test_client(), client).status_code


@pytest.mark.parametrize("slow", [False, True], ids=["as it is", "the node is slow"])
def test_a_revocation_at_one_node_ends_what_another_was_just_storing(
    galera: Galera, app: Flask, app_at: Callable[..., Flask], slow: bool
) -> None:
    """No lock holds it up, and neither sees the other. What was decided before the revocation began is worth nothing after it."""
    other = app_at(1)
    register(app, client_id="one")

    @gateway_of(other).token_attributes
    def token_attributes(client: Any, user: Any, scopes: Any, grant_type: str) -> dict[str, Any]:
        return {"decided": time.monotonic()}

    def issue_one(subject: str) -> dict[str, Any]:
        with other.test_request_context():
            return dict(gateway_of(other).tokens.issue("one", subject=subject, scope=["weather:read"]))

    def revoke(subject: str, after: float) -> float:
        time.sleep(after)
        began = time.monotonic()
        gateway_of(app).tokens.revoke(subject=subject)
        return began

    if slow:
        on_insert = "BEFORE INSERT ON oauth_access_token FOR EACH ROW SET @slept = SLEEP(0.01)"
        database_of(app).run(text(f"CREATE TRIGGER slow {on_insert}"))
    chance, met, longest = random.Random(15), 0, 0.0  # noqa: S311 (not for secrecy)
    with ThreadPoolExecutor(5) as pool:
        for number in range(60):
            subject, started = f"user {number}", time.monotonic()
            issuing = [pool.submit(issue_one, subject) for _ in range(4)]
            began = pool.submit(revoke, subject, chance.uniform(0, 0.02)).result()
            for issued in issuing:
                token = issued.result()
                if token["decided"] < began:
                    met += 1
                    assert status_with(app, token["access_token"]) == 401, "it was decided before the revocation"
            longest = max(longest, time.monotonic() - started)
    assert met > 60
    assert longest < LOCK_WAIT_SECONDS, "nobody waits for a lock that is never given up"


def test_revoked_means_revoked_and_nothing_that_was_answered_is_lost(uris: list[str], tmp_path: Path) -> None:
    """A process at each node does by chance what comes to its mind; then all of it is held against a small model."""
    for token_format in ("opaque", "jwt"):
        model = Model()
        with ExitStack() as stack:
            config = {"OAUTH_ACCESS_TOKEN_FORMAT": token_format}
            others = [
                stack.enter_context(OtherProcess({**config, "OAUTH_DATABASE_URI": uri}, tmp_path)) for uri in uris
            ]
            others[0].ask("begin")
            with ThreadPoolExecutor(NODES) as pool:
                for done in [pool.submit(model.play, other, seed) for seed, other in enumerate(others)]:
                    done.result()
            for other in others:
                model.check(other, model.given)
        assert len(model.given) > 30
        assert len(model.ends) > 10


def test_the_audit_trail_is_one_chain_though_each_node_writes_to_it(app: Flask, app_at: Callable[..., Flask]) -> None:
    """A lock is the node's own there: of two who go on from the same entry, one is undone and begins anew."""
    apps = [app, app_at(1), app_at(2)]
    clients = [register(each, client_id=f"client {node}") for node, each in enumerate(apps)]

    def write(node: int) -> None:
        for _ in range(15):
            assert ask_for_token(apps[node], clients[node]) == 200
            audit_of(apps[node]).flush()

    together(NODES, write)
    assert not audit_of(app).verify().findings
    with database_of(app).engine.connect() as connection:
        written = connection.execute(select(audit.c.client_id).where(audit.c.event == "token_issued")).scalars()
        assert Counter(written) == {client.client_id: 15 for client in clients}


def test_within_a_bucket_a_higher_number_is_a_later_commit(app: Flask, app_at: Callable[..., Flask]) -> None:
    """Each node raises the same count; whoever reads a number at any node has missed no mark before it."""
    apps = [app, app_at(1), app_at(2)]
    stores = [server_of(each).revocations for each in apps]
    bucket = bucket_of(mark_of("token", "0"))
    names = [name for name in map(str, range(20_000)) if bucket_of(mark_of("token", name)) == bucket][: NODES * 12]
    read: list[dict[bytes, int]] = [{} for _ in apps]
    seen_to = [0] * NODES

    def change_and_read(node: int) -> None:
        for name in names[node::NODES]:
            stores[node].refuse("token", name)
            count = stores[node].counts()[bucket]
            for row in stores[node].changed({bucket: seen_to[node]}):
                read[node][bytes(row.mark)] = row.number
            seen_to[node] = count

    together(NODES, change_and_read)
    everything = {bytes(row.mark): row.number for row in stores[0].all()}
    assert len(everything) == len(set(everything.values())) == len(names)
    for known, up_to in zip(read, seen_to, strict=True):
        assert {mark: number for mark, number in everything.items() if number <= up_to}.items() <= known.items()


def test_a_node_is_killed_and_what_was_answered_stays_true(
    galera: Galera, app: Flask, app_at: Callable[..., Flask]
) -> None:
    """At the others requests go on. The app whose node is gone says 503 until it is back, and needs no restart."""
    apps = [app, app_at(1), app_at(2)]
    client = register(app, client_id="one")
    issued: list[str] = []
    told: Counter[tuple[int, int]] = Counter()
    killed = Event()

    def ask(node: int) -> int:
        response = ask_as(apps[node].test_client(), client)
        issued.extend([response.get_json()["access_token"]] if response.status_code == 200 else [])
        return response.status_code

    def keep_asking(node: int) -> None:
        after = 0
        while after < 10:
            told[node, ask(node)] += 1
            after += killed.is_set()

    with ThreadPoolExecutor(NODES + 1) as pool:
        asking = [pool.submit(keep_asking, node) for node in range(NODES)]
        eventually(lambda: len(issued) > 50)
        galera.kill(2)
        killed.set()
        for asked in asking:
            asked.result()
    assert told[2, 503] >= 9, "the answer to one may have been under way"
    assert {status for node, status in told if node != 2} == {200}
    assert {status_with(apps[0], token) for token in issued} == {200}
    assert ask(2) == 503
    galera.start_node(2)
    eventually(lambda: ask(2) == 200)
    assert {status_with(apps[2], token) for token in issued} == {200}


def test_a_node_that_is_cut_off_says_503_and_never_what_is_old(
    galera: Galera, app: Flask, app_at: Callable[..., Flask]
) -> None:
    """It can't know what the others have revoked meanwhile."""
    other = app_at(2)
    register(app, client_id="one")
    token = issue(app)
    assert status_with(other, token) == 200
    galera.run(2, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    try:
        eventually(lambda: galera.run(2, "SHOW STATUS LIKE 'wsrep_cluster_status'") == "non-Primary")
        gateway_of(app).tokens.revoke(token=token)
        assert status_with(other, token) == 503
        assert status_with(app, token) == 401
    finally:
        galera.run(2, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")
    eventually(lambda: status_with(other, token) != 503)
    assert status_with(other, token) == 401
    assert status_with(other, issue(app)) == 200
