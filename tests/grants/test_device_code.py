"""The device flow from the device's side (RFC 8628): its codes, how it waits, and what it gets."""

import pytest

from flask_oauth_gateway.signals import token_issued
from tests.support.app import recorded, refusal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.device import decide, poll, register, start
from tests.support.site import BOTH, DEVICE_CODE, READ, MakeSite, Person, Site, granted


def test_a_device_waits_for_its_user_and_then_gets_a_token_once(site: Site, clock: Clock) -> None:
    client = register(site)
    codes = start(site, client)
    refusal(poll(site, client, codes["device_code"]), 400, "authorization_pending")
    decide(site, codes["user_code"], READ)
    clock.advance(6)
    with recorded(token_issued, site.app) as issued:
        tokens = granted(poll(site, client, codes["device_code"]))
    assert [said["grant_type"] for said in issued] == [DEVICE_CODE]
    assert tokens["scope"] == READ
    assert site.me(tokens["access_token"]) == {
        "client": client.client_id, "subject": "alice", "scope": READ, "grant_type": DEVICE_CODE, "user": "Alice"
    }  # fmt: skip
    assert granted(site.refresh(client, tokens["refresh_token"]))["scope"] == READ
    clock.advance(6)
    refusal(poll(site, client, codes["device_code"]), 400, "invalid_grant")
    assert site.is_live(tokens["access_token"])


@sqlite_only
def test_the_codes_are_what_a_device_can_show_and_a_person_can_type(site: Site) -> None:
    client = register(site)
    seen = [start(site, client, scope=READ) for _ in range(20)]
    for codes in seen:
        assert set(codes) == {
            "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"
        }  # fmt: skip
        assert (codes["expires_in"], codes["interval"]) == (600, 5)
        assert codes["verification_uri"] == "http://localhost/oauth/device"
        assert codes["verification_uri_complete"] == f"http://localhost/oauth/device?user_code={codes['user_code']}"
        left, right = codes["user_code"].split("-")
        assert len(left) == len(right) == 4
        assert not set(left + right) - set("BCDFGHJKLMNPQRSTVWXZ")
    assert len({codes["user_code"] for codes in seen}) == len({codes["device_code"] for codes in seen}) == 20


@sqlite_only
def test_a_device_that_asks_too_often_is_told_to_slow_down_by_five_more_seconds_each_time(
    site: Site, clock: Clock
) -> None:
    client = register(site)
    code = start(site, client)["device_code"]
    told = []
    for wait in (0, 1, 6, 16, 5, 21):
        clock.advance(wait)
        told.append(poll(site, client, code).get_json()["error"])
    pending, slow = "authorization_pending", "slow_down"
    assert told == [pending, slow, slow, pending, slow, pending]
    # now 20 s: 5, then three times 5 more


def test_the_first_poll_and_every_one_in_time_is_never_too_soon(site: Site, clock: Clock) -> None:
    client = register(site)
    code = start(site, client)["device_code"]
    for _ in range(4):
        refusal(poll(site, client, code), 400, "authorization_pending")
        clock.advance(5)


@sqlite_only
def test_a_device_that_was_told_to_slow_down_gets_its_token_all_the_same(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    for _ in range(3):
        poll(site, client, codes["device_code"])
    decide(site, codes["user_code"])
    granted(poll(site, client, codes["device_code"]))


def test_a_user_who_refuses_or_unticks_everything_gives_nothing(site: Site) -> None:
    client = register(site)
    for scopes, decision in ((None, "deny"), ("", "allow"), (None, "what")):
        codes = start(site, client)
        assert "The device gets no access" in decide(site, codes["user_code"], scopes, decision).text
        for _ in range(2):
            refusal(poll(site, client, codes["device_code"]), 400, "access_denied")


def test_both_codes_end_after_ten_minutes(site: Site, clock: Clock) -> None:
    client = register(site)
    pending, approved = start(site, client), start(site, client)
    decide(site, approved["user_code"])
    clock.advance(601)
    for codes in (pending, approved):
        refusal(poll(site, client, codes["device_code"]), 400, "expired_token")
    site.gateway.tokens.purge()
    refusal(poll(site, client, pending["device_code"]), 400, "invalid_grant")


@sqlite_only
def test_another_client_gets_nothing_for_it_and_takes_nothing_away(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    decide(site, codes["user_code"])
    refusal(poll(site, register(site), codes["device_code"]), 400, "invalid_grant")
    granted(poll(site, client, codes["device_code"]))


@sqlite_only
@pytest.mark.parametrize("code", ["x", "é", "x" * 100_000, "BCDF-GHJK"])
def test_an_unknown_device_code_is_refused(site: Site, code: str) -> None:
    refusal(poll(site, register(site), code), 400, "invalid_grant")


@sqlite_only
def test_what_is_missing_or_not_allowed_is_named(site: Site) -> None:
    client = register(site)
    for code in (None, ""):
        assert "'device_code'" in refusal(poll(site, client, code), 400, "invalid_request")
    other = site.register()
    for response in (site.post(other, "/oauth/device_authorization"), poll(site, other, "x")):
        refusal(response, 400, "unauthorized_client")
    refusal(site.post(client, "/oauth/device_authorization", scope="nope"), 400, "invalid_scope")
    refusal(site.browser.post("/oauth/device_authorization", data={"client_id": "nobody"}), 401, "invalid_client")
    refusal(site.browser.post("/oauth/device_authorization"), 401, "invalid_client")
    codes = start(site, client)
    refusal(site.post(client, f"/oauth/token?device_code={codes['device_code']}"), 400, "invalid_request")


@sqlite_only
def test_a_confidential_device_shows_its_secret(site: Site) -> None:
    client = site.register(grant_types=["device_code"], redirect_uris=[])
    codes = start(site, client)
    decide(site, codes["user_code"])
    data = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "client_id": client.client_id}
    refusal(site.browser.post("/oauth/token", data=data), 401, "invalid_client")
    tokens = granted(poll(site, client, codes["device_code"]))
    assert "refresh_token" not in tokens  # it is not registered for them
    assert tokens["scope"] == BOTH


@sqlite_only
def test_a_user_who_is_gone_a_client_that_is_disabled_and_an_approval_taken_back_give_nothing(site: Site) -> None:
    client = register(site)
    gone, disabled, taken_back = (start(site, client) for _ in range(3))
    decide(site, gone["user_code"])
    del site.people["alice"]
    refusal(poll(site, client, gone["device_code"]), 400, "invalid_grant")
    site.people["alice"] = Person("alice")
    decide(site, disabled["user_code"])
    site.gateway.clients.update(client.client_id, enabled=False)
    refusal(poll(site, client, disabled["device_code"]), 401, "invalid_client")
    site.gateway.clients.update(client.client_id, enabled=True)
    granted(poll(site, client, disabled["device_code"]))
    decide(site, taken_back["user_code"])
    site.gateway.tokens.revoke(subject="alice")
    refusal(poll(site, client, taken_back["device_code"]), 400, "invalid_grant")


@sqlite_only
def test_new_codes_are_limited_by_address(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"device": "2/minute"})
    client = register(site)
    for _ in range(2):
        start(site, client)
    response = site.post(client, "/oauth/device_authorization")
    assert response.status_code == 429
    clock.advance(int(response.headers["Retry-After"]))
    start(site, client)
    unlimited = make_site(OAUTH_RATE_LIMITS=None)
    client = register(unlimited)
    for _ in range(40):
        start(unlimited, client)
