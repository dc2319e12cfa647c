"""Many requests at once, in several processes; documents whose servers mean no good; readers that die, or take too long."""

import threading
import time
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import insert

from flask_oauth_gateway.clients import directory
from flask_oauth_gateway.crypto import fetching
from flask_oauth_gateway.crypto.hashing import sha256
from flask_oauth_gateway.database.tables import client_document
from tests.support.app import server_of
from tests.support.client_documents import ON, DocumentServer, named
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.racing import race, together
from tests.support.site import REDIRECT_URI, MakeSite, Page, Site, error_page, query


@every_database
def test_twenty_who_come_first_at_once_in_two_processes_read_it_once(
    site: Site, documents: DocumentServer, database_uri: str
) -> None:
    documents.server.delay = 0.5
    client = documents.publish()
    site.tokens(site.register_public())  # the tables are there
    (statuses,) = race([database_uri] * 2, 10, "/oauth/authorize", [query(client, response_type=None)], **ON)
    assert statuses == Counter({303: 20})  # back to the client, which is told what is missing
    assert documents.fetched() == 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than 0.6 seconds is too slow."""
    monkeypatch.setattr(fetching, "MAX_SECONDS", 0.4)
    monkeypatch.setattr(directory, "IN_ALL_SECONDS", 0.6)


@pytest.mark.usefixtures("quick")
def test_of_many_made_up_documents_ten_are_read_at_a_time_and_nobody_else_is_held_up(
    make_site: MakeSite, documents: DocumentServer
) -> None:
    site = make_site(OAUTH_RATE_LIMITS=None, **ON)
    by_hand = site.register_public()
    documents.server.delay = 0.2
    statuses: list[int] = []

    def ask(number: int) -> None:
        browser = site.app.test_client()
        began = time.monotonic()
        if number % 5 == 0:
            assert browser.get("/oauth/authorize", query_string=query(by_hand)).status_code == 200
            return
        made_up = named(documents.url(f"/{number}"))
        statuses.append(browser.get("/oauth/authorize", query_string=query(made_up)).status_code)
        assert time.monotonic() - began < 5

    together(50, ask)
    assert statuses == [400] * 40
    assert 0 < documents.server.most_at_once <= 10


@pytest.mark.usefixtures("quick")
def test_one_address_makes_thirty_unknown_clients_be_read_in_a_minute(site: Site, documents: DocumentServer) -> None:
    documents.server.status = 404
    answers = Counter(site.ask(named(documents.url(f"/{n}"))).status_code for n in range(40))
    assert answers == Counter({400: 30, 429: 10})
    assert len(documents.server.requests) == 30
    known = site.register_public()
    assert site.tokens(known)


@pytest.mark.usefixtures("quick")
def test_slow_documents_use_up_the_limit_of_their_address_sooner(
    site: Site, documents: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "SLOW_SECONDS", 0.1)
    documents.server.how = "hang"
    answers = [site.ask(named(documents.url(f"/{n}"))).status_code for n in range(4)]
    assert answers == [400, 400, 429, 429]  # 0.4 seconds counted as 20


@pytest.mark.parametrize("how", ["drip", "hang", "endless", "down"])
@pytest.mark.usefixtures("quick")
def test_a_server_that_is_slow_or_never_ends_is_given_up(site: Site, documents: DocumentServer, how: str) -> None:
    client = documents.publish(client_name="N" * 300)
    documents.server.how = how
    began = time.monotonic()
    error_page(site.ask(client), "invalid_client")
    assert time.monotonic() - began < 2


def test_nothing_private_is_read_where_the_issuer_is_public_whatever_the_host_header_says(
    make_site: MakeSite, documents: DocumentServer, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(TESTING=False, OAUTH_ISSUER="https://auth.example", **ON)
    documents.publish()
    port = documents.server.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "10.0.0.1", "169.254.169.254", "[fe80::1]"):
        for headers in ({}, {"Host": "localhost"}):
            sent = query(named(f"https://{host}/client.json"))
            caplog.clear()
            answered = site.browser.get("/oauth/authorize", query_string=sent, headers=headers)
            error_page(answered, "invalid_client")
    assert "private address" in caplog.text or "tried again" not in caplog.text
    assert documents.server.requests == []


def test_loopback_is_read_where_the_issuer_names_loopback(make_site: MakeSite, documents: DocumentServer) -> None:
    site = make_site(TESTING=False, OAUTH_ISSUER="http://localhost:5000", **ON)
    assert "Notes" in Page(site.ask(documents.publish())).text


@every_database
@pytest.mark.usefixtures("quick")
def test_a_reader_that_died_holds_nobody_up_for_long(site: Site, documents: DocumentServer, clock: Clock) -> None:
    client = documents.publish()
    held(site, client.client_id, reader=b"x" * 16, until=int(time.time()) + 8)
    error_page(site.ask(client), "invalid_client")
    assert documents.fetched() == 0
    clock.advance(9)
    assert Page(site.ask(client)).action


@pytest.mark.usefixtures("quick")
def test_a_clock_that_is_ahead_locks_nobody_out(site: Site, documents: DocumentServer) -> None:
    for path, reader in (("/a", b"x" * 16), ("/b", None)):
        client = documents.publish(path)
        held(site, client.client_id, reader=reader, until=int(time.time()) + 3600)
        assert Page(site.ask(client)).action, path


def held(site: Site, client_id: str, *, reader: bytes | None, until: int) -> None:
    """What another process has stored about a document."""
    row: dict[str, Any] = {"client_id": client_id, "client_id_hash": sha256(client_id), "reader": reader, "failures": 3}
    server_of(site.app).database.run(insert(client_document).values(**row, held_until=until))


def test_who_is_registered_by_hand_while_the_document_is_read_stays_so(site: Site, documents: DocumentServer) -> None:
    client = documents.publish()

    @site.gateway.trust_client
    def trust_client(client_id: str, metadata: object) -> bool:
        site.gateway.clients.create(
            client_id=client_id, client_name="By hand", token_endpoint_auth_method="none", redirect_uris=[REDIRECT_URI],
            grant_types=["authorization_code"], scope="weather:read",
        )  # fmt: skip
        return True

    assert "By hand" in Page(site.ask(client)).text
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert kept.origin is None


def test_who_is_changed_while_the_document_is_read_has_both_changes(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    site.ask(client)

    @site.gateway.trust_client
    def trust_client(client_id: str, metadata: object) -> bool:
        site.gateway.clients.update(client_id, owner="bob")
        return True

    documents.publish(client_name="Two")
    clock.advance(3700)
    assert "Two" in Page(site.ask(client)).text
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert (kept.client_name, kept.owner) == ("Two", "bob")


def test_who_is_disabled_while_the_document_is_read_stays_so(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    tokens = site.tokens(client)

    @site.gateway.trust_client
    def trust_client(client_id: str, metadata: object) -> bool:
        site.gateway.clients.update(client_id, enabled=False)
        return True

    documents.publish(redirect_uris=[REDIRECT_URI, "https://elsewhere.example/cb"])
    clock.advance(3700)
    error_page(site.ask(client), "invalid_client")
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert not kept.enabled
    assert site.refresh(client, tokens["refresh_token"]).status_code in (400, 401)


def test_a_hook_that_fails_leaves_the_document_for_the_next(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    site.app.config["PROPAGATE_EXCEPTIONS"] = False

    @site.gateway.trust_client
    def trust_client(client_id: str, metadata: object) -> bool:
        if documents.fetched() == 1:
            raise ZeroDivisionError
        return True

    assert site.ask(client).status_code == 500  # a mistake of the app's
    clock.advance(2)
    assert Page(site.ask(client)).action


def test_a_page_that_was_shown_before_the_change_allows_nothing_after_it(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    page = Page(site.ask(client))
    documents.publish(redirect_uris=["https://elsewhere.example/cb"])
    clock.advance(3700)
    error_page(site.send(page), "invalid_request")


def test_two_who_wait_find_each_others_result(site: Site, documents: DocumentServer) -> None:
    client = documents.publish()
    documents.server.delay = 0.3
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(site.app.test_client().get(
            "/oauth/authorize", query_string=query(client)).status_code))
        for _ in range(8)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 8
    assert documents.fetched() == 1
