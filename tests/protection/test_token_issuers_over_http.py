"""Trusted issuers as they are on a bad day: down, slow, talking nonsense. Real servers, one request at a time or many."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_oauth_gateway.crypto import fetching as safe_fetch
from tests.support.app import bearer
from tests.support.checking import API, ISSUER, asked, checking_app, said
from tests.support.clock import Clock
from tests.support.key_server import KeyServer, key_server
from tests.support.signing import Signer

OTHER = "https://other.example"
SIGNER, OTHERS = Signer("ES256"), Signer("EdDSA", kid="other")
LIMIT = 0.4
HTML = b"<!doctype html><title>Sign in</title>"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of a request's wait, which is 5 seconds."""
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", LIMIT)


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture
def keyed(server: KeyServer, impatient: None) -> FlaskClient:
    """An app that fetches the keys of one issuer, and has those of another."""
    issuers = {
        ISSUER: {"jwks_uri": server.url, "audience": API},
        OTHER: {"jwks": OTHERS.jwks(), "audience": API},
    }
    return checking_app(issuers).test_client()


def status(client: FlaskClient, token: str) -> int:
    start = time.perf_counter()
    answer = client.get("/who", headers=bearer(token))
    assert time.perf_counter() - start < LIMIT + 1, "a request waits no longer than the limit"
    assert answer.status_code != 503 or int(answer.headers["Retry-After"]) > 0
    return answer.status_code


@pytest.mark.parametrize(
    "trouble",
    [
        {"how": "hang"},
        {"how": "drip", "says": b" " * 500},
        {"how": "endless"},
        {"how": "down"},
        {"says": HTML},
        {"says": b"[" * 5000},
        {"says": {"keys": []}},
        {"status": 500},
        {"status": 302, "headers": {"Location": "http://localhost:1/jwks"}},
    ],
    ids=lambda trouble: str(trouble)[:40],
)
def test_without_an_issuer_s_keys_its_tokens_wait_and_nobody_else_s(
    keyed: FlaskClient, server: KeyServer, trouble: dict[str, Any], clock: Clock
) -> None:
    vars(server).update(trouble)
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(status, keyed.application.test_client(), SIGNER.sign(said())) for _ in range(3)]
        assert status(keyed, OTHERS.sign(said(iss=OTHER))) == 200
        assert [each.result() for each in waiting] == [503] * 3
    assert len(server.requests) == 1, "it is fetched once for all of them"
    assert status(keyed, SIGNER.sign(said())) == 503
    assert len(server.requests) == 1, "and not again for a minute"
    vars(server).update(how="well", status=200, headers={}, says=SIGNER.jwks())
    clock.advance(61)
    assert status(keyed, SIGNER.sign(said())) == 200


def test_a_key_that_is_unknown_is_refused_where_all_are_known_and_waits_where_that_is_not_sure(
    keyed: FlaskClient, server: KeyServer, clock: Clock
) -> None:
    server.says = SIGNER.jwks()
    new = Signer("ES256", kid="new")
    assert status(keyed, SIGNER.sign(said())) == 200
    assert status(keyed, new.sign(said())) == 401
    clock.advance(61)
    server.how = "down"
    assert status(keyed, new.sign(said())) == 503
    assert status(keyed, SIGNER.sign(said(jti="2"))) == 200, "the keys that are known go on working"
    server.how, server.says = "well", {"keys": [SIGNER.jwk(), new.jwk()]}
    clock.advance(61)
    assert status(keyed, new.sign(said())) == 200


# An issuer that is asked


def live(**more: Any) -> dict[str, Any]:
    return {"active": True, "token_type": "Bearer", **said(**{"iss": None} | more)}


@pytest.fixture
def asking(server: KeyServer, impatient: None) -> FlaskClient:
    issuers = {ISSUER: asked(server.url), OTHER: {"jwks": OTHERS.jwks(), "audience": API}}
    return checking_app(issuers).test_client()


def test_an_opaque_token_is_asked_about_by_the_app_itself(asking: FlaskClient, server: KeyServer) -> None:
    server.says = lambda form: live() if form["token"] == "good" else {"active": False}
    answer = asking.get("/who", headers=bearer("good")).json
    assert (answer["client"], answer["subject"], answer["issuer"]) == ("shop", "alice", ISSUER)
    assert status(asking, "good") == 200
    assert status(asking, "bad") == 401
    assert [form["token"] for form in server.forms] == ["good", "good", "bad"], "nothing is remembered unasked"
    assert server.authorization is not None
    assert server.authorization.startswith("Basic ")


def test_no_token_goes_to_a_server_that_did_not_issue_it(asking: FlaskClient, server: KeyServer) -> None:
    server.says = live()
    for iss in (OTHER, "https://stranger.example", None):
        status(asking, OTHERS.sign(said(iss=iss)))
    assert server.forms == []
    assert status(asking, OTHERS.sign(said())) == 200, "one that names it does"
    assert len(server.forms) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, 200),
        ({"token_type": None}, 200),  # as the example of RFC 7662: it is for us
        ({"token_type": None, "aud": [API, "api"]}, 200),
        ({"aud": OTHER}, 401),
        ({"aud": None}, 401),
        ({"exp": 1}, 401),
        ({"iss": OTHER}, 401),
        ({"typ": "Refresh"}, 401),
        ({"typ": "Bearer", "token_type": None}, 200),
        ({"token_use": "refresh_token"}, 401),
        ({"token_use": "access_token"}, 200),
        ({"token_type": "refresh_token"}, 401),
        ({"token_type": "DPoP"}, 401),  # bound to a key: whoever stole it could send it as well
        ({"cnf": {"jkt": "x"}}, 401),
        ({"cnf": {"x5t#S256": "x"}}, 401),
    ],
    ids=lambda trouble: str(trouble)[:40],
)
def test_active_is_not_enough(asking: FlaskClient, server: KeyServer, answer: dict[str, Any], expected: int) -> None:
    said_of_it = {name: value for name, value in (live() | answer).items() if value is not None}
    server.says = said_of_it
    assert status(asking, "a-token") == expected


def test_where_every_active_token_is_taken_it_still_has_to_be_an_access_token(server: KeyServer) -> None:
    client = checking_app({ISSUER: asked(server.url, audience=())}).test_client()
    for more, expected in (({}, 200), ({"aud": None}, 200), ({"token_type": None}, 401)):
        server.says = {name: value for name, value in (live() | more).items() if value is not None}
        assert status(client, "a-token") == expected


def test_being_for_the_client_that_asks_shows_nothing(server: KeyServer) -> None:
    client = checking_app({ISSUER: asked(server.url, audience=["api", API])}).test_client()
    for aud, expected in (("api", 401), (API, 200)):
        server.says = said(iss=None, aud=aud) | {"active": True}
        assert status(client, "a-token") == expected


@pytest.mark.parametrize(
    ("said_of_caching", "seconds"),
    [(None, 30), ("private, max-age=10", 10), ("max-age=90", 30), ("max-age=90, no-store", 0), ("max-age=0", 0)],
)
def test_an_answer_is_kept_for_the_cache_time_and_no_longer_than_it_says(
    server: KeyServer, clock: Clock, said_of_caching: str | None, seconds: int
) -> None:
    client = checking_app({ISSUER: asked(server.url)}, OAUTH_TOKEN_CACHE_SECONDS=30).test_client()
    server.headers = {} if said_of_caching is None else {"Cache-Control": said_of_caching}
    server.says = live(exp=int(time.time()) + 600)
    assert status(client, "a-token") == 200
    server.says = {"active": False}
    if seconds:
        clock.advance(seconds - 1)
        assert status(client, "a-token") == 200
        clock.advance(2)
    assert status(client, "a-token") == 401


@pytest.mark.parametrize(
    "trouble",
    [{"how": "hang"}, {"how": "down"}, {"status": 401}, {"says": HTML}, {"says": {"active": "yes"}}, {"says": []}],
    ids=lambda trouble: str(trouble)[:40],
)
def test_who_can_not_be_asked_is_left_alone_for_a_while_and_comes_back(
    asking: FlaskClient, server: KeyServer, clock: Clock, trouble: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    vars(server).update(trouble)
    with caplog.at_level(logging.INFO):
        assert status(asking, "a-secret-token") == 503
        assert status(asking, "another") == 503
    assert len(server.requests) == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert server.url in warning
    for secret in ("a-secret-token", "the api's own secret", str(server.authorization)):
        assert secret not in caplog.text
    assert status(asking, OTHERS.sign(said(iss=OTHER))) == 200
    clock.advance(6)
    with ThreadPoolExecutor(3) as threads:
        again = [threads.submit(status, asking.application.test_client(), "a-token") for _ in range(3)]
        assert {each.result() for each in again} == {503}
    assert len(server.requests) == 2, "one request finds out that it is still away"
    vars(server).update(how="well", status=200, says=live())
    clock.advance(12)
    assert status(asking, "a-token") == 200


def test_several_that_hang_are_waited_for_together_and_do_not_keep_the_others_tokens_waiting(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", 1.0)
    with ExitStack() as stack:
        hanging, slow = (stack.enter_context(key_server()) for _ in range(2))
        hanging.how, slow.says, slow.delay = "hang", live(), 0.2
        urls = {"https://a.example": hanging, "https://b.example": slow}
        client = checking_app({name: asked(each.url) for name, each in urls.items()}).test_client()

        def seconds_of(expected: int) -> float:
            start = time.perf_counter()
            assert client.get("/who", headers=bearer("a-token")).status_code == expected
            return time.perf_counter() - start

        assert seconds_of(200) < 1.0, "the second is asked in time"
        slow.delay = 0
        assert seconds_of(200) < 0.9
        clock.advance(12)
        assert seconds_of(200) < 0.9, "who didn't answer is asked last"
        slow.says = {"active": False}
        assert seconds_of(503) < 1.5, "it may be a token of the other"


# Whatever they say

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
CLAIMS = (
    *(
        "iss",
        "aud",
        "sub",
        "azp",
        "client_id",
        "appid",
        "cid",
        "scope",
        "scp",
        "roles",
        "exp",
        "iat",
        "nbf",
        "jti",
        "uti",
    ),
    *(
        "typ",
        "token_use",
        "token_type",
        "nonce",
        "gty",
        "idtyp",
        "oid",
        "preferred_username",
        "auth_time",
        "acr",
        "cnf",
    ),
    "grant_type",
)


@pytest.fixture(scope="module")
def talkative() -> Iterator[tuple[FlaskClient, KeyServer]]:
    with key_server() as server:
        issuers = {ISSUER: {"jwks": SIGNER.jwks(), "audience": API}, OTHER: asked(server.url, audience=[API, "api"])}
        yield checking_app(issuers, OAUTH_FORWARD_AUTH=True, OAUTH_DEFAULT_SCOPES=()).test_client(), server


@given(claims=st.dictionaries(st.sampled_from(CLAIMS), JSON, max_size=4), typ=st.sampled_from(["JWT", "at+jwt"]))
@settings(max_examples=80)
def test_no_claims_make_the_server_fail(
    talkative: tuple[FlaskClient, KeyServer], claims: dict[str, Any], typ: str
) -> None:
    client, server = talkative
    server.says = live(**claims)
    for token in (SIGNER.sign(said(**claims), typ=typ), "opaque"):
        for path in ("/who", "/weather", "/oauth/verify?scope=weather:read"):
            answer = client.get(path, headers=bearer(token))
            assert answer.status_code in (200, 204, 401, 403), (answer.status_code, answer.text)
