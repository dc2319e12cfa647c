"""Signing keys: made on first use, published before they sign, kept until their last token has expired."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.database.tables import key
from tests.support.app import ask, gateway_of, is_accepted, refusal, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.signing import kid_of
from tests.support.statements import statements_of

DAY = 86400


@pytest.fixture
def jwt_apps(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    return lambda **config: make_app(**{"OAUTH_ACCESS_TOKEN_FORMAT": "jwt"} | config)


def published(app: Flask) -> list[str]:
    return [each["kid"] for each in app.test_client().get("/oauth/jwks").get_json()["keys"]]


def ring(app: Flask) -> Any:
    return server_of(app).key_ring


def test_of_many_that_start_at_once_exactly_one_makes_the_first_key(jwt_apps: Callable[..., Flask]) -> None:
    apps = [jwt_apps() for _ in range(6)]
    client = register(apps[0])
    with ThreadPoolExecutor(len(apps)) as pool:
        tokens = list(pool.map(lambda app: token_for(app.test_client(), client)["access_token"], apps))
    assert len({kid_of(token) for token in tokens}) == 1
    assert all(is_accepted(app.test_client(), token) for app in apps for token in tokens)


@sqlite_only
def test_whoever_knew_of_no_key_takes_the_one_that_another_process_made_meanwhile(
    jwt_apps: Callable[..., Flask],
) -> None:
    here, there = jwt_apps(), jwt_apps()
    client = register(here)
    assert ring(there).all() == []
    first = kid_of(token_for(here.test_client(), client)["access_token"])
    assert kid_of(token_for(there.test_client(), client)["access_token"]) == first
    assert published(here) == published(there) == [first]


@sqlite_only
def test_whoever_did_not_see_the_next_key_made_when_it_was_due_makes_no_other(
    jwt_apps: Callable[..., Flask], clock: Clock
) -> None:
    here, there = (jwt_apps(OAUTH_KEY_ROTATION_DAYS=10) for _ in range(2))
    client = register(here)
    token_for(here.test_client(), client)
    clock.advance(10 * DAY - 1800)
    assert len(ring(there).all()) == 1
    for app in (here, there):
        token_for(app.test_client(), client)
    assert len(ring(here).all()) == 2


@sqlite_only
def test_a_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_ended(
    jwt_apps: Callable[..., Flask], clock: Clock
) -> None:
    here, there = jwt_apps(), jwt_apps()
    client = register(here)
    old = token_for(here.test_client(), client)["access_token"]
    following = ring(here).rotate().kid
    assert published(here) == [kid_of(old), following]
    assert kid_of(token_for(here.test_client(), client)["access_token"]) == kid_of(old), "not yet"
    clock.advance(3601)
    new = token_for(there.test_client(), client)["access_token"]
    assert kid_of(new) == following, "the other process changes over by the clock"
    assert is_accepted(here.test_client(), new)
    assert kid_of(old) in published(there)
    clock.advance(32 * DAY)
    assert published(there) == [following]


@sqlite_only
def test_keys_change_by_age_without_a_restart(jwt_apps: Callable[..., Flask], clock: Clock) -> None:
    app = jwt_apps(OAUTH_KEY_ROTATION_DAYS=10)
    client = register(app)
    first = kid_of(token_for(app.test_client(), client)["access_token"])
    clock.advance(10 * DAY - 1800)
    assert kid_of(token_for(app.test_client(), client)["access_token"]) == first
    assert len(published(app)) == 2
    clock.advance(3700)
    assert kid_of(token_for(app.test_client(), client)["access_token"]) != first
    assert len(ring(app).all()) == 2


@sqlite_only
def test_a_retired_key_is_believed_nowhere(jwt_apps: Callable[..., Flask], clock: Clock) -> None:
    here, there = jwt_apps(), jwt_apps()
    client = register(here)
    old = token_for(here.test_client(), client)["access_token"]
    assert is_accepted(there.test_client(), old)
    ring(here).rotate(publish_ahead=0)
    assert ring(here).retire(kid_of(old))
    assert not is_accepted(here.test_client(), old)
    clock.advance(2)
    assert not is_accepted(there.test_client(), old), "within OAUTH_REVOCATION_POLL_SECONDS"
    assert is_accepted(here.test_client(), token_for(there.test_client(), client)["access_token"]), "nor does it sign"
    assert is_accepted(there.test_client(), token_for(here.test_client(), client)["access_token"])


@sqlite_only
def test_invented_kids_read_the_keys_once_a_second_and_a_new_key_is_known_at_once(
    jwt_apps: Callable[..., Flask], clock: Clock
) -> None:
    here, there = jwt_apps(), jwt_apps()
    client, http = register(here), there.test_client()
    token = token_for(here.test_client(), client)["access_token"]
    assert is_accepted(http, token)
    kid = kid_of(token)
    invented = [f"{number:032x}" for number in range(50)] + [kid[:-1] + ("0" if kid[-1] != "0" else "1"), kid[:16], ""]
    for second in (1, 2):
        clock.advance(1.1)
        with statements_of(there.extensions["oauth_gateway"].database.engine) as statements:
            for each in invented:
                header = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": each}).encode()
                assert not is_accepted(http, urlsafe_b64encode(header).rstrip(b"=").decode() + ".e30.AAAA")
        assert sum("oauth_key" in statement for statement, _ in statements) == 1, second
        ring(here).rotate(publish_ahead=0)
        assert is_accepted(http, token_for(here.test_client(), client)["access_token"]), "made this very second"


@sqlite_only
def test_private_keys_are_encrypted_and_survive_a_new_secret_key(
    jwt_apps: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    before = jwt_apps()
    client = register(before)
    token = token_for(before.test_client(), client)["access_token"]
    (row,) = before.extensions["oauth_gateway"].database.all(key.select())
    assert "d" not in row.public
    assert '"d"' not in row.sealed
    moved = jwt_apps(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["only for tests"])
    assert kid_of(token_for(moved.test_client(), client)["access_token"]) == kid_of(token)
    lost = jwt_apps(SECRET_KEY="yet another")
    assert is_accepted(lost.test_client(), token), "what was signed stays good"
    assert kid_of(token_for(lost.test_client(), client)["access_token"]) != kid_of(token)
    assert "SECRET_KEY" in caplog.text


@sqlite_only
def test_the_key_set_may_be_kept_for_a_while(jwt_apps: Callable[..., Flask]) -> None:
    http = jwt_apps().test_client()
    response = http.get("/oauth/jwks")
    assert "max-age=300" in response.headers["Cache-Control"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert http.get("/oauth/jwks", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert set(response.get_json()["keys"][0]) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


@sqlite_only
def test_the_command_line_lists_rotates_and_retires(jwt_apps: Callable[..., Flask]) -> None:
    app = jwt_apps()
    first = kid_of(token_for(app.test_client(), register(app))["access_token"])
    run = app.test_cli_runner().invoke
    assert first in run(args=["oauth", "key", "list"]).output
    assert "signs from" in run(args=["oauth", "key", "rotate", "--publish-ahead", "0"]).output
    listed = json.loads(run(args=["oauth", "key", "list", "--json"]).output)
    assert [each["generation"] for each in listed] == [1, 2]
    assert run(args=["oauth", "key", "retire", first]).exit_code == 0
    unknown = run(args=["oauth", "key", "retire", "nix"])
    assert unknown.exit_code == 1
    assert "There is no key" in unknown.stderr
    assert published(app) == [listed[1]["kid"]]


@sqlite_only
def test_without_a_secret_key_there_is_no_key_and_no_500(jwt_apps: Callable[..., Flask], clock: Clock) -> None:
    whole, bare = jwt_apps(), jwt_apps(SECRET_KEY=None)
    client = register(bare)
    for response in (bare.test_client().get("/oauth/jwks"), ask(bare.test_client(), client)):
        assert "SECRET_KEY" in refusal(response, 503, "server_error")
    token = token_for(whole.test_client(), client)["access_token"]
    clock.advance(2)  # an unknown kid makes a process read the keys again, once a second
    assert is_accepted(bare.test_client(), token), "what another process signed can be checked"


@sqlite_only
def test_each_algorithm_in_use_has_its_key_and_is_rotated_by_itself(
    jwt_apps: Callable[..., Flask], clock: Clock
) -> None:
    app = jwt_apps(OAUTH_OIDC=True, OAUTH_KEY_ROTATION_DAYS=10)
    access, by_id = ring(app).signing_key(), ring(app).signing_key("RS256")
    assert (access.algorithm, by_id.algorithm) == ("ES256", "RS256")
    clock.advance(10 * DAY)
    assert ring(app).signing_key("RS256").kid == by_id.kid  # which makes the next one, published an hour ahead
    clock.advance(2 * 3600)
    following = ring(app).signing_key("RS256")
    assert following.algorithm == "RS256"
    assert following.kid != by_id.kid
    kept = {key.kid: key for key in ring(app).all()}
    assert kept[by_id.kid].retired_at is not None
    assert kept[access.kid].retired_at is None, "another algorithm's key has nothing to do with it"


@sqlite_only
def test_of_many_that_need_a_first_key_of_two_algorithms_at_once_exactly_one_makes_each(
    jwt_apps: Callable[..., Flask],
) -> None:
    apps = [jwt_apps(OAUTH_OIDC=True) for _ in range(4)]
    wanted = [(app, algorithm) for app in apps for algorithm in ("ES256", "RS256", None)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        found = list(pool.map(lambda each: ring(each[0]).signing_key(each[1]), wanted))
    assert {(key.algorithm, key.kid) for key in found} == {(key.algorithm, key.kid) for key in ring(apps[0]).all()}
    assert len({key.kid for key in found}) == 2


@sqlite_only
def test_another_algorithm_in_the_configuration_signs_from_the_next_rotation(
    jwt_apps: Callable[..., Flask], clock: Clock
) -> None:
    first = ring(jwt_apps(OAUTH_KEY_ROTATION_DAYS=10)).signing_key()
    app = jwt_apps(OAUTH_KEY_ROTATION_DAYS=10, OAUTH_SIGNING_ALGORITHM="PS256")
    assert ring(app).signing_key().kid == first.kid
    clock.advance(10 * DAY)
    assert ring(app).signing_key().kid == first.kid
    clock.advance(2 * 3600)
    assert ring(app).signing_key().algorithm == "PS256"
    assert {key.kid: key for key in ring(app).all()}[first.kid].retired_at is not None


@sqlite_only
@pytest.mark.parametrize("first", ["access tokens", "the key set", "ID tokens"])
def test_with_openid_connect_another_algorithm_is_published_an_hour_before_it_signs_access_tokens(
    jwt_apps: Callable[..., Flask], clock: Clock, first: str
) -> None:
    before = jwt_apps(OAUTH_OIDC=True)
    assert ring(before).signing_key("RS256").algorithm == "RS256"  # an ID token comes first of all
    known = ring(before).signing_key()
    assert known.algorithm == "ES256"
    clock.advance(DAY)
    app = jwt_apps(OAUTH_OIDC=True, OAUTH_SIGNING_ALGORITHM="EdDSA")
    if first == "the key set":
        assert [key.algorithm for key in ring(app).published()].count("EdDSA") == 1
    elif first == "ID tokens":
        assert ring(app).signing_key("RS256").algorithm == "RS256"
    for _ in range(2):
        assert ring(app).signing_key().kid == known.kid, "resource servers know no other yet"
    assert sorted(key.algorithm for key in ring(app).published()) == ["ES256", "EdDSA", "RS256"]
    clock.advance(3601)
    assert ring(app).signing_key().algorithm == "EdDSA"
    assert len(ring(app).all()) == 3, "nobody made a second one"
    clock.advance(DAY)
    back = jwt_apps(OAUTH_OIDC=True)
    assert ring(back).signing_key().algorithm == "EdDSA", "the key of before ends: the next is published ahead, too"
    clock.advance(3601)
    assert ring(back).signing_key().algorithm == "ES256"
    assert ring(back).signing_key().kid != known.kid


def test_keys_of_an_algorithm_that_nobody_uses_any_more_end(jwt_apps: Callable[..., Flask], clock: Clock) -> None:
    before = jwt_apps(OAUTH_OIDC=True)
    clients = gateway_of(before).clients
    client = clients.create(client_name="App", scope="openid", id_token_signed_response_alg="PS256")
    wanted = {algorithm: ring(before).signing_key(algorithm).kid for algorithm in ("ES256", "RS256", "PS256")}
    app = jwt_apps(OAUTH_OIDC=True, OAUTH_SIGNING_ALGORITHM="EdDSA")
    assert ring(app).signing_key().kid == wanted["ES256"]  # which makes the next one

    def ends() -> dict[str, bool]:
        return {key.algorithm: key.retired_at is not None for key in ring(app).all()}

    assert ends() == {"ES256": True, "RS256": False, "PS256": False, "EdDSA": False}
    clients.update(client.client_id, id_token_signed_response_alg=None, userinfo_signed_response_alg="PS256")
    ring(app).rotate()
    assert not ends()["PS256"], "userinfo is signed by it"
    clients.update(client.client_id, userinfo_signed_response_alg=None)
    ring(app).rotate()
    assert ends()["PS256"]
    assert not ends()["RS256"], "every client can check it"
    clock.advance(2 * 3600)
    again = ring(app).signing_key("PS256")
    assert again.kid != wanted["PS256"], "the old one ends before a new token does"
    assert again.retired_at is None
    assert ring(app).find(wanted["PS256"]) is not None, "its tokens live on"
    clock.advance(40 * DAY)
    assert ring(app).find(wanted["PS256"]) is None
