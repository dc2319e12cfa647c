"""How long what was read of a document is kept, and what becomes of the client when it changes or is gone."""

import logging

import pytest

from tests.support.app import server_of
from tests.support.client_documents import DocumentServer
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.site import READ, REDIRECT_URI, VERIFIER, Page, Site, error_page, granted
from tests.support.statements import statements_of

DAY = 86400
ELSEWHERE = "https://elsewhere.example/cb"


@pytest.mark.parametrize(
    ("says", "seconds"),
    [(None, 3600), ("max-age=600", 600), ("no-store", 60), ("max-age=5", 60), ("max-age=999999999", DAY)],
)
def test_it_is_kept_as_its_server_says_between_a_minute_and_a_day(
    site: Site, documents: DocumentServer, clock: Clock, says: str | None, seconds: int
) -> None:
    client = documents.publish()
    if says is not None:
        documents.server.headers["Cache-Control"] = says
    site.ask(client)
    clock.advance(seconds - 5)
    site.ask(client)
    assert documents.fetched() == 1
    clock.advance(10)
    site.ask(client)
    assert documents.fetched() == 2


def test_what_can_not_be_read_is_held_off_longer_each_time(
    site: Site, documents: DocumentServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.hold()
    client = documents.publish(redirect_uris=[])
    for number, seconds in enumerate((1, 2, 4, 8, 16, 32, 60, 60)):
        caplog.clear()
        error_page(site.ask(client), "invalid_client")
        error_page(site.ask(client), "invalid_client")
        assert documents.fetched() == number + 1
        assert f"It is tried again in {seconds} s." in caplog.text
        clock.advance(seconds + 1)
    documents.publish()
    assert site.tokens(client)


def test_a_document_that_is_gone_serves_what_was_read_for_a_day(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    tokens = site.tokens(client)
    del documents.server.places["/client.json"]
    documents.server.status = 404
    clock.advance(3600 + DAY - 60)
    code = site.code(client)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert granted(site.redeem(client, code))
    clock.advance(180)
    error_page(site.ask(client), "invalid_client")
    answered = site.refresh(client, refreshed["refresh_token"])
    assert (answered.status_code, answered.get_json()["error"]) == (401, "invalid_client")
    documents.server.status = 200
    documents.publish()
    clock.advance(61)
    assert granted(site.refresh(client, refreshed["refresh_token"]))  # nothing of it was ended


def test_the_token_endpoint_goes_on_with_what_was_read(site: Site, documents: DocumentServer, clock: Clock) -> None:
    client = documents.publish()
    tokens = site.tokens(client)
    clock.advance(DAY)
    assert granted(site.refresh(client, tokens["refresh_token"]))
    assert documents.fetched() == 1


def test_a_code_of_a_client_that_nobody_knows_any_more_is_401(site: Site, documents: DocumentServer) -> None:
    client = documents.publish()
    code = site.code(client)
    site.gateway.clients.delete(client.client_id)
    documents.server.status = 404
    answered = site.redeem(client, code)
    assert (answered.status_code, answered.get_json()["error"]) == (401, "invalid_client")
    assert documents.fetched() == 2


def test_introspection_and_revocation_read_no_document(site: Site, documents: DocumentServer) -> None:
    client = documents.publish()
    for path in ("/oauth/revoke", "/oauth/introspect"):
        assert site.post(client, path, token="x").status_code == 401
    assert documents.server.requests == []


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uris": [REDIRECT_URI, ELSEWHERE]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://keys.example/"},
        {"jwks_uri": "https://keys.example/"},
    ],
)
@every_database
def test_a_change_of_redirect_uris_keys_or_method_ends_what_was_allowed(
    site: Site, documents: DocumentServer, clock: Clock, change: dict[str, object]
) -> None:
    client = documents.publish()
    tokens, code = site.tokens(client), site.code(client)  # the second isn't asked
    documents.publish(**change)
    assert site.is_live(tokens["access_token"])  # nobody knows yet
    clock.advance(3700)
    assert (page := Page(site.ask(client))).text
    assert page.action is not None  # asked anew
    assert not site.is_live(tokens["access_token"])
    for answered in (site.refresh(client, tokens["refresh_token"]), site.redeem(client, code)):
        assert answered.get_json()["error"] in ("invalid_grant", "invalid_client")


def test_a_change_of_words_alone_ends_nothing(site: Site, documents: DocumentServer, clock: Clock) -> None:
    client = documents.publish(redirect_uris=[REDIRECT_URI, ELSEWHERE])
    documents.server.headers["Cache-Control"] = "max-age=60"
    tokens = site.tokens(client)
    documents.publish(client_name="Notes 2", redirect_uris=[ELSEWHERE, REDIRECT_URI], scope=READ)
    clock.advance(61)
    site.ask(client)
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert (kept.client_name, kept.scope) == ("Notes 2", READ)
    assert site.is_live(tokens["access_token"])
    assert granted(site.refresh(client, tokens["refresh_token"]))


def test_what_an_administrator_set_stays(site: Site, documents: DocumentServer, clock: Clock) -> None:
    client = documents.publish()
    site.ask(client)
    site.gateway.clients.update(client.client_id, access_token_lifetime=60, owner="alice")
    for name, uri in (("Two", REDIRECT_URI), ("Three", ELSEWHERE)):
        documents.publish(client_name=name, redirect_uris=[REDIRECT_URI, uri])
        clock.advance(3700)
        site.ask(client)
        kept = site.gateway.clients.get(client.client_id)
        assert kept is not None
        assert (kept.client_name, kept.access_token_lifetime, kept.owner) == (name, 60, "alice")
    site.gateway.clients.update(client.client_id, enabled=False)
    documents.publish(client_name="Four")
    clock.advance(3700)
    assert "is not known" in error_page(site.ask(client), "invalid_client")
    assert documents.fetched() == 3


def test_hosts_that_are_let_in(make_site: object, documents: DocumentServer, clock: Clock) -> None:
    site: Site = make_site(OAUTH_CLIENT_ID_METADATA=True)  # type: ignore[operator]
    client = documents.publish()
    tokens = site.tokens(client)
    narrower: Site = make_site(  # type: ignore[operator]
        OAUTH_CLIENT_ID_METADATA=True, OAUTH_CLIENT_ID_METADATA_HOSTS=["*.example.com", "app.example"]
    )
    error_page(narrower.ask(client), "invalid_client")
    assert narrower.refresh(client, tokens["refresh_token"]).status_code == 401
    assert documents.fetched() == 1


def test_the_app_says_whom_it_trusts(site: Site, documents: DocumentServer, clock: Clock) -> None:
    seen: list[tuple[str, str]] = []
    trusted = True

    @site.gateway.trust_client
    def trust_client(client_id: str, metadata: dict[str, str]) -> bool:
        seen.append((client_id, metadata["client_name"]))
        return trusted

    client = documents.publish()
    tokens = site.tokens(client)
    assert seen == [(client.client_id, "Notes")]
    trusted = False
    clock.advance(3700)
    error_page(site.ask(client), "invalid_client")  # at once, not in a day
    error_page(site.ask(client), "invalid_client")
    assert site.refresh(client, tokens["refresh_token"]).status_code == 401
    clock.advance(70)
    trusted = True
    assert site.tokens(client)


def test_a_cached_document_costs_no_statement_more(site: Site, documents: DocumentServer) -> None:
    by_hand, in_document = site.register_public(), documents.publish()
    counts = []
    for client in (by_hand, in_document):
        refresh_token = site.tokens(client)["refresh_token"]
        with statements_of(server_of(site.app).database.engine) as statements:
            code = site.code(client)
        at_authorize = len(statements)
        with statements_of(server_of(site.app).database.engine) as statements:
            site.redeem(client, code)
            site.refresh(client, refresh_token)
        counts.append((at_authorize, len(statements)))
    assert counts[0] == counts[1]


def test_the_log_names_no_secret_and_a_code_verifier_is_no_url(
    site: Site, documents: DocumentServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = documents.publish(client_secret="a secret that nobody may read", redirect_uris=[])
    site.ask(client)
    assert "nobody may read" not in caplog.text
    assert VERIFIER not in caplog.text


def test_what_an_administrator_holds_it_to_stays_when_its_document_changes(
    site: Site, documents: DocumentServer, clock: Clock
) -> None:
    client = documents.publish()
    site.ask(client)
    site.gateway.clients.update(
        client.client_id, require_pushed_authorization_requests=True, dpop_bound_access_tokens=True
    )
    documents.publish(client_name="Renamed", dpop_bound_access_tokens=False)
    clock.advance(DAY)
    site.ask(client)
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert kept.client_name == "Renamed"
    assert (kept.require_pushed_authorization_requests, kept.dpop_bound_access_tokens) == (True, True)
