"""Clients are told that a session has ended (OpenID Connect Back-Channel Logout): what, how often, and what is never done."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from flask_oauth_gateway import signals
from flask_oauth_gateway.clients.members import ClientMetadataError
from flask_oauth_gateway.crypto.fetching import _tls_of
from flask_oauth_gateway.errors import NotConfigured, TemporarilyUnavailable
from flask_oauth_gateway.oidc import backchannel_logout
from flask_oauth_gateway.oidc.backchannel_logout import FIRST_WAIT, OF_ONE_CLIENT, Delivered
from tests.support.app import MakeApp, gateway_of, recorded
from tests.support.clock import Clock
from tests.support.command_line import told_by
from tests.support.logout_receivers import Receivers, receivers
from tests.support.redis_sets import certificate
from tests.support.relying_party import RelyingParty
from tests.support.site import answer, location, refused
from tests.support.stored import audit_of
from tests.support.told_of_logouts import RETRY, Provider

MakeProvider = Callable[..., Provider]
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def make_provider(make_app: MakeApp, receivers: Receivers) -> MakeProvider:
    return lambda **config: Provider(make_app(**{"OAUTH_OIDC": True} | config), receivers)


@pytest.fixture
def provider(make_provider: MakeProvider) -> Provider:
    return make_provider(OAUTH_BACKCHANNEL_TIMEOUT=1)


@pytest.mark.parametrize("algorithm", [None, "ES256", "PS256"])
def test_a_logout_token_says_who_and_which_session_to_one_client(provider: Provider, algorithm: str | None) -> None:
    client = provider.register("shop", id_token_signed_response_alg=algorithm)
    provider.owe(client, sid="the session")
    before = int(time.time())
    assert provider.deliver() == Delivered(told=1, waiting=0, given_up=0)
    (token,) = provider.receivers.told["shop"]
    keys = KeySet.import_key_set(provider.app.test_client().get("/oauth/jwks").get_json())
    read = jwt.decode(token, keys, algorithms=[algorithm or "RS256"])
    assert read.header["typ"] == "logout+jwt"
    claims = dict(read.claims)
    assert before <= claims["iat"] <= time.time()
    assert claims.pop("exp") == claims.pop("iat") + 120
    assert len(claims.pop("jti")) >= 20
    assert claims == {
        "iss": "http://localhost",
        "aud": "shop",
        "sub": "alice",
        "sid": "the session",
        "events": {EVENT: {}},
    }
    assert provider.receivers.types == {"application/x-www-form-urlencoded"}
    assert provider.waiting() == {}


def test_a_logout_token_is_no_hint_of_whom_an_id_token_was_for(party: RelyingParty, receivers: Receivers) -> None:
    provider = Provider(party.site.app, receivers)
    gateway_of(provider.app).clients.update(party.client.client_id, backchannel_logout_uri=receivers.url("shop"))
    party.sign_in()
    provider.owe(party.client)
    provider.deliver()
    (token,) = receivers.told["shop"]
    hinted = {"scope": "openid", "prompt": "none", "id_token_hint": token}
    refused(location(party.site.ask(party.client, **hinted)), "invalid_request")
    hinted["id_token_hint"] = party.tokens["id_token"]
    assert answer(location(party.site.ask(party.client, **hinted)))["code"]


def test_all_are_told_at_once_and_nobody_waits_for_those_that_are_down(provider: Provider) -> None:
    down = ["hang", "drip", "refuse", "reset", "redirect", 500, 429, 400, "hang", "drip"]
    well = [provider.register(f"well-{number}") for number in range(40)]
    ill = [provider.register(f"ill-{number}", how) for number, how in enumerate(down)]
    provider.owe(*ill, *well)
    told_at: list[float] = []
    begun = time.monotonic()
    with recorded(signals.logout_failed, provider.app) as failed:

        def note(sender: object, **payload: Any) -> None:
            told_at.append(time.monotonic() - begun)

        with signals.logout_delivered.connected_to(note, sender=provider.app):
            outcome = provider.deliver()
    took = time.monotonic() - begun
    assert outcome == Delivered(told=40, waiting=8, given_up=2)
    assert all(len(provider.receivers.told[client.client_id]) == 1 for client in well)
    assert len(told_at) == 40
    assert took < 20  # were they called one after the other, the four that are slow alone would hold up the others
    reasons = {each["client_id"]: each["reason"] for each in failed}
    assert reasons["ill-0"] == reasons["ill-1"] == "it took too long"
    assert "refused" in reasons["ill-2"]
    assert (reasons["ill-4"], reasons["ill-7"]) == ("the server answered 307", "the server answered 400")
    assert "elsewhere" not in provider.receivers.told
    given_up = {each["client_id"] for each in failed if each["given_up"]}
    assert given_up == {"ill-4", "ill-7"}
    assert set(provider.waiting()) == {client.client_id for client in ill} - given_up


def test_a_client_that_is_down_is_told_again_with_growing_waits_and_a_new_token_each_time(
    provider: Provider, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    provider.owe(provider.register("shop", 503))
    waits = []
    with recorded(signals.logout_failed, provider.app) as failed:
        while True:
            outcome = provider.deliver()
            if outcome.given_up:
                break
            assert outcome == Delivered(told=0, waiting=1, given_up=0)
            (wait,) = provider.waiting().values()
            waits.append(wait)
            clock.advance(wait - 2)
            assert provider.deliver() == Delivered(0, 0, 0), "not before its time"
            clock.advance(3)
    assert waits[:4] == pytest.approx([FIRST_WAIT * 2**number for number in range(4)], abs=1)
    assert RETRY - 10 <= sum(waits) <= RETRY
    claims = provider.receivers.claims("shop")
    assert (
        len(claims) == len(waits) + 1 == len({each["jti"] for each in claims}) == len({each["exp"] for each in claims})
    )
    assert [each["given_up"] for each in failed] == [False] * len(waits) + [True]
    assert [each["tries"] for each in failed] == list(range(1, len(waits) + 2))
    assert failed[-1] | {"tries": 0} == {
        "client_id": "shop", "subject": "alice", "tries": 0, "reason": "the server answered 503", "given_up": True,
    }  # fmt: skip
    assert provider.waiting() == {}
    entries = audit_of(provider.app).newest(10, {"event": "logout_failed"})
    assert [(row.outcome, row.client_id, row.subject, row.details["reason"]) for row in entries] == [
        ("given_up", "shop", "alice", "the server answered 503")
    ]
    (line,) = (each for each in caplog.records if "event=logout_failed" in each.getMessage())
    assert (line.levelname, "given_up=true" in line.getMessage()) == ("WARNING", True), "seen at Python's own level"


def test_a_client_that_is_there_again_is_told_once(provider: Provider, clock: Clock) -> None:
    provider.owe(provider.register("shop", "reset"))
    with recorded(signals.logout_delivered, provider.app) as told:
        assert provider.deliver().waiting == 1
        provider.receivers.how["shop"] = 204
        clock.advance(FIRST_WAIT + 1)
        assert provider.deliver() == Delivered(told=1, waiting=0, given_up=0)
        clock.advance(RETRY)
        assert provider.deliver() == Delivered(0, 0, 0)
    assert told == [{"client_id": "shop", "subject": "alice", "tries": 2}]
    (entry,) = audit_of(provider.app).newest(10, {"event": "logout_delivered"})
    assert (entry.outcome, entry.client_id, entry.actor, entry.details) == ("ok", "shop", None, {"tries": 2})


def test_a_client_that_is_down_is_tried_once_in_a_run_however_long_that_takes(provider: Provider, clock: Clock) -> None:
    """Or cron's command, and whoever ends a session at the command line, would wait until the last one is given up."""
    shop = provider.register("shop", 500)
    provider.owe(*[shop] * 6)

    def time_passes(*_: Any, **__: Any) -> None:
        clock.advance(FIRST_WAIT + 1)

    with signals.logout_failed.connected_to(time_passes, sender=provider.app):
        assert provider.deliver() == Delivered(told=0, waiting=6, given_up=0)


def test_without_retries_there_is_one_try(make_provider: MakeProvider) -> None:
    provider = make_provider(OAUTH_BACKCHANNEL_RETRY=0)
    provider.owe(provider.register("shop", 500))
    assert provider.deliver() == Delivered(told=0, waiting=0, given_up=1)


@pytest.mark.parametrize("status", [201, 202, 302, 400, 401, 404, 410])
def test_what_is_neither_heard_nor_a_passing_trouble_is_never_sent_again(provider: Provider, status: int) -> None:
    provider.owe(provider.register("shop", status))
    assert provider.deliver() == Delivered(told=0, waiting=0, given_up=1)
    assert provider.waiting() == {}


def test_what_a_client_answers_beside_the_status_is_neither_read_nor_logged(
    provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.owe(provider.register("shop", "endless"), provider.register("down", 500), sid="s" * 43)
    assert provider.deliver() == Delivered(told=1, waiting=1, given_up=0)
    assert "logout_delivered" in caplog.text
    for secret in ("secret", "s" * 43, *provider.receivers.told["shop"], *provider.receivers.told["down"]):
        assert secret not in caplog.text


def test_a_client_that_is_gone_or_has_moved_meanwhile(provider: Provider) -> None:
    clients = [provider.register(name) for name in ("gone", "moved", "silent")]
    provider.owe(*clients)
    registry = gateway_of(provider.app).clients
    registry.delete("gone")
    registry.update("moved", backchannel_logout_uri=provider.receivers.url("new-place", "?logout=backchannel"))
    registry.update("silent", backchannel_logout_uri=None)
    with recorded(signals.logout_failed, provider.app) as failed:
        assert provider.deliver() == Delivered(told=1, waiting=0, given_up=2)
    assert {(each["client_id"], each["reason"]) for each in failed} == {
        (None, "the client is gone"),
        ("silent", "the client has no backchannel_logout_uri any more"),
    }
    assert provider.receivers.paths == ["/new-place?logout=backchannel"]
    assert provider.waiting() == {}


def test_a_name_that_leads_inside_is_not_called_and_never_again(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = make_provider()
    provider.owe(provider.register("shop", backchannel_logout_uri="https://shop.example/logout"))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with recorded(signals.logout_failed, provider.app) as failed:
        assert provider.deliver().given_up == 1
    assert failed[0]["reason"] == "the host has a private address"


def test_by_https_it_is_told_only_where_its_certificate_is_good(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    files = certificate(tmp_path)
    with (
        receivers(files) as found,
        recorded(signals.logout_failed, provider_app := make_app(OAUTH_OIDC=True)) as failed,
    ):
        provider = Provider(provider_app, found)
        provider.owe(provider.register("shop"))
        assert provider.deliver() == Delivered(told=0, waiting=1, given_up=0)
        assert "CERTIFICATE_VERIFY_FAILED" in failed[0]["reason"]
        assert not found.told
        with monkeypatch.context() as trusting:
            trusting.setenv("SSL_CERT_FILE", str(files["tls_ca_cert_file"]))
            _tls_of.cache_clear()
            clock.advance(FIRST_WAIT + 1)
            assert provider.deliver() == Delivered(told=1, waiting=0, given_up=0)
        _tls_of.cache_clear()


def test_a_client_that_owes_many_answers_holds_up_nobody(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backchannel_logout, "AT_ONCE", 2 * OF_ONE_CLIENT)
    provider = make_provider(OAUTH_BACKCHANNEL_TIMEOUT=1)
    slow, quick = provider.register("slow", "hang"), provider.register("quick")
    provider.owe(*[slow] * 3 * OF_ONE_CLIENT, *[quick] * 20)
    told: list[float] = []
    begun = time.monotonic()

    def note(sender: object, **payload: Any) -> None:
        told.append(len(provider.receivers.told["slow"]))

    with signals.logout_delivered.connected_to(note, sender=provider.app):
        outcome = provider.deliver()
    assert outcome == Delivered(told=20, waiting=3 * OF_ONE_CLIENT, given_up=0)
    assert max(told) <= 2 * OF_ONE_CLIENT, "those of the slow one were not all called first"
    assert time.monotonic() - begun < 60


def test_a_listener_that_fails_holds_up_nobody(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    provider.owe(*(provider.register(f"shop-{number}") for number in range(3)))

    def fail(sender: object, **payload: Any) -> None:
        raise ZeroDivisionError

    with signals.logout_delivered.connected_to(fail, sender=provider.app):
        assert provider.deliver().told == 3
    assert "A listener of a logout's signal failed" in caplog.text


def test_a_client_whose_token_can_t_be_made_holds_up_nobody(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.owe(provider.register("odd"), provider.register("shop"))
    prepare = provider.logout._letters._tokens.prepare

    def odd(issuer: str, client: Any, *rest: Any) -> Any:
        if client.client_id == "odd":
            raise ValueError("its key is odd")
        return prepare(issuer, client, *rest)

    monkeypatch.setattr(provider.logout._letters._tokens, "prepare", odd)
    assert provider.deliver() == Delivered(told=1, waiting=1, given_up=0)


def test_what_was_told_while_the_database_was_away_is_not_told_twice(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """The process that knows that it was told deletes the row before it sends anything else."""
    provider.server.key_ring.published()
    provider.owe(provider.register("shop"), provider.register("down", 500))
    with monkeypatch.context() as away:
        away.setattr(provider.server.database, "run", lambda *_, **__: _raise(TemporarilyUnavailable()))
        assert provider.deliver() == Delivered(told=1, waiting=1, given_up=0)
        assert len(provider.waiting()) == 2
    with monkeypatch.context() as away:
        away.setattr(provider.server.database, "run", lambda *_, **__: _raise(TemporarilyUnavailable()))
        with pytest.raises(TemporarilyUnavailable):
            provider.deliver()
    clock.advance(100)
    assert provider.deliver() == Delivered(told=0, waiting=1, given_up=0)
    assert [len(provider.receivers.told[name]) for name in ("shop", "down")] == [1, 2]


def _raise(error: Exception) -> Any:
    raise error


# By itself: threads send what this process wrote, and what others left behind.


def test_what_is_written_is_sent_at_once_by_a_thread(provider: Provider) -> None:
    provider.logout.by_itself = True
    clients = [provider.register(f"shop-{number}") for number in range(5)]
    provider.owe(*clients)
    provider.logout.soon()
    provider.receivers.wait_for(5)
    slow = provider.register("slow", "hang")
    provider.owe(slow)
    provider.logout.soon()
    provider.receivers.wait_for(6)
    provider.owe(*clients)  # while the slow one is being called
    provider.logout.soon()
    provider.receivers.wait_for(11)
    provider.logout.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("oauth gateway logout")]


def test_a_failed_one_is_tried_again_by_the_same_thread(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backchannel_logout, "FIRST_WAIT", 1)
    provider.logout.by_itself = True
    provider.owe(provider.register("shop", 503))
    provider.logout.soon()
    provider.receivers.wait_for(2)
    provider.receivers.how["shop"] = 200
    provider.receivers.wait_for(3)
    assert len({each["jti"] for each in provider.receivers.claims("shop")}) == 3


def test_a_process_looks_for_what_others_left_from_its_first_request_on(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backchannel_logout, "LOOK_SECONDS", 0.1)
    provider = make_provider(TESTING=False, OAUTH_ISSUER="http://localhost")
    provider.logout.by_itself = True
    shop = provider.register("shop")
    provider.owe(shop)
    assert not provider.receivers.told
    provider.app.test_client().get("/.well-known/openid-configuration")
    provider.receivers.wait_for(1)
    provider.owe(shop)
    provider.receivers.wait_for(2)


def test_a_thread_that_fails_looks_again(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backchannel_logout, "LOOK_SECONDS", 0.1)
    provider = make_provider(TESTING=False, OAUTH_ISSUER="http://localhost")
    provider.logout.by_itself = True
    due, failures = provider.server.openid.logouts.due, [ZeroDivisionError(), TemporarilyUnavailable()]

    def fail_first(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return due(*arguments)

    monkeypatch.setattr(provider.server.openid.logouts, "due", fail_first)
    provider.owe(provider.register("shop"))
    provider.app.test_client().get("/.well-known/openid-configuration")
    provider.receivers.wait_for(1)
    assert "ZeroDivisionError" in caplog.text


def test_in_memory_nothing_is_lost_either(make_provider: MakeProvider) -> None:
    provider = make_provider(OAUTH_DATABASE_URI="sqlite://")
    provider.logout.by_itself = True
    provider.owe(provider.register("shop"))
    provider.logout.soon()
    provider.receivers.wait_for(1)


def test_a_server_without_a_name_says_so_and_keeps_what_it_owes(make_provider: MakeProvider) -> None:
    provider = make_provider(TESTING=False, DEBUG=True)
    provider.app.debug = True
    provider.register("shop", backchannel_logout_uri="https://shop.example/logout")
    assert provider.deliver() == Delivered(0, 0, 0), "nothing is due"
    provider.owe(gateway_of(provider.app).clients.get("shop"))
    with pytest.raises(NotConfigured, match="OAUTH_ISSUER"):
        provider.deliver()
    assert set(provider.waiting()) == {"shop"}


# By the command line.


def test_cron_tells_them(provider: Provider) -> None:
    provider.owe(provider.register("shop"), provider.register("down", 503), provider.register("odd", 400))
    assert told_by(provider.app, "session", "deliver").startswith("1 told, 1 given up, 1 waiting until 20")
    provider.owe(provider.register("cafe"))
    said = json.loads(told_by(provider.app, "session", "deliver", "--json"))
    assert abs(said.pop("next") - time.time()) <= FIRST_WAIT + 1
    assert said == {"told": 1, "given_up": 0, "waiting": 1}


def test_who_ends_a_session_on_the_command_line_tells_the_client(party: RelyingParty, receivers: Receivers) -> None:
    Provider(party.site.app, receivers)
    gateway_of(party.site.app).clients.update(party.client.client_id, backchannel_logout_uri=receivers.url("shop"))
    party.sign_in()
    assert told_by(party.site.app, "session", "end", "--subject", "alice") == "1 ended.\n"
    assert len(receivers.told["shop"]) == 1


def test_without_openid_connect_or_a_name_the_command_says_so(make_app: MakeApp, make_provider: MakeProvider) -> None:
    assert "OAUTH_OIDC" in told_by(make_app(), "session", "deliver")
    provider = make_provider(TESTING=False)
    provider.owe(provider.register("shop", backchannel_logout_uri="https://shop.example/"))
    assert "OAUTH_ISSUER" in told_by(provider.app, "session", "deliver")


# The registration.

WRONG = [
    "http://shop.example/logout", "https://shop.example/logout#x", "https://shop.example/#", "shop.example/logout", "https://",
    "https://user@shop.example/", "https://shop.example/ä", "https://shop.example/a b", "javascript:alert(1)", "", 5,
    "https://shop.example:x/", "https://[", "http://127.0.0.1.example/", "https://shop.example/" + "x" * 2048,
]  # fmt: skip
HERE = ["http://127.0.0.1:3000/logout", "http://localhost/logout", "https://localhost/logout", "https://[::1]/logout"]


@pytest.mark.parametrize("url", WRONG)
def test_the_address_is_https_without_a_fragment(provider: Provider, url: Any) -> None:
    with pytest.raises(ClientMetadataError, match="backchannel_logout_uri"):
        provider.register("shop", backchannel_logout_uri=url)


def test_its_query_stays_as_it_is(provider: Provider) -> None:
    url = "https://shop.example/cb?logout=backchannel&x=%20a+b"
    assert provider.register("shop", backchannel_logout_uri=url).backchannel_logout_uri == url
    assert provider.register("cafe", backchannel_logout_session_required=True).backchannel_logout_session_required


@pytest.mark.parametrize("url", HERE)
@pytest.mark.parametrize(
    ("config", "is_allowed"),
    [
        ({"TESTING": True}, True),
        ({"TESTING": False, "OAUTH_ISSUER": "http://127.0.0.1:5000"}, True),
        ({"TESTING": False, "OAUTH_ISSUER": "https://accounts.localhost"}, True),
        ({"TESTING": False, "OAUTH_ISSUER": "https://accounts.example"}, False),
        ({"TESTING": False}, False),
        ({"TESTING": True, "OAUTH_ISSUER": "https://accounts.example"}, True),
    ],
)
def test_an_address_of_this_machine_is_for_a_server_that_is_here(
    make_provider: MakeProvider, url: str, config: dict[str, Any], is_allowed: bool
) -> None:
    provider = make_provider(**config)
    if is_allowed:
        assert provider.register("shop", backchannel_logout_uri=url).backchannel_logout_uri == url
        return
    with pytest.raises(ClientMetadataError, match="this machine"):
        provider.register("shop", backchannel_logout_uri=url)


def test_an_address_here_that_is_registered_already_is_not_called_from_elsewhere(
    make_provider: MakeProvider, receivers: Receivers
) -> None:
    """The setting decides anew with each call: another configuration on the same database opens nothing."""
    here = make_provider(OAUTH_ISSUER="http://127.0.0.1:5000", TESTING=False)
    here.owe(here.register("shop"))
    elsewhere = make_provider(OAUTH_ISSUER="https://accounts.example", TESTING=False)
    assert elsewhere.deliver() == Delivered(told=0, waiting=0, given_up=1)
    assert receivers.told == {}


def test_discovery_says_that_there_is_back_channel_logout_with_sessions(provider: Provider) -> None:
    document = provider.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
