"""A token says in its text when it was issued, and is stored under a key that begins with that second. Old tokens don't."""

import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Table, insert, select, update

from flask_oauth_gateway.crypto.hashing import new_token, token_key
from flask_oauth_gateway.database.tables import access_token, code, device_code, refresh_token
from tests.support.clock import Clock
from tests.support.device import start
from tests.support.site import DEVICE_CODE, Site, granted
from tests.support.stored import database_of, tokens_of

SHAPE = re.compile(r"acme_[A-Za-z0-9_-]{43}~[0-9a-f]{8}")
PREFIXES = st.text(string.ascii_letters + string.digits + "_-", max_size=32)
MakeSite = Callable[..., Site]


def keys_of(site: Site, table: Table) -> list[bytes]:
    (key,) = table.primary_key.columns
    return [bytes(row[0]) for row in database_of(site.app).all(select(key))]


def make_old(site: Site, table: Table, token: str) -> str:
    """What an older version would have given instead of this token, and stored by its SHA-256."""
    old = token.rpartition("~")[0]
    key = table.c.token_hash
    there = update(table).where(key == token_key(token)).values(token_hash=hashlib.sha256(old.encode()).digest())
    assert database_of(site.app).run(there) == 1
    return old


def test_tokens_and_codes_carry_their_second_and_their_rows_stand_in_its_order(make_site: MakeSite) -> None:
    site = make_site(OAUTH_TOKEN_PREFIX="acme_")
    client, device = site.register(), site.register(grant_types=[DEVICE_CODE])
    began = int(time.time())
    code_given = site.code(client)
    answer = granted(site.redeem(client, code_given))
    started = start(site, device)
    given_then = {
        code_given: code,
        answer["access_token"]: access_token,
        answer["refresh_token"]: refresh_token,
        started["device_code"]: device_code,
    }
    for token, table in given_then.items():
        assert SHAPE.fullmatch(token), token
        (stored,) = keys_of(site, table)
        assert stored == token_key(token)
        assert began <= int.from_bytes(stored[:4], "big") == int(token[-8:], 16) <= time.time()
        assert stored[4:] == hashlib.sha256(token.encode()).digest()[:28]


def test_tokens_of_an_older_version_are_good_until_they_expire(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    answer = site.tokens(client)
    old = make_old(site, access_token, answer["access_token"])
    old_refresh = make_old(site, refresh_token, answer["refresh_token"])
    assert site.is_live(old)
    assert not site.is_live(answer["access_token"])
    assert site.post(client, "/oauth/introspect", token=old).get_json()["active"]
    assert site.post(client, "/oauth/introspect", token=old_refresh).get_json()["active"]
    found = tokens_of(site.app).get(token=old)
    assert found is not None
    assert tokens_of(site.app).get(token_id=found.token_id) is not None
    again = granted(site.refresh(client, old_refresh))
    assert site.is_live(again["access_token"])
    assert site.post(client, "/oauth/revoke", token=old).status_code == 200
    assert not site.is_live(old)
    assert site.refresh(client, old_refresh).status_code == 400, "it is spent: somebody has it who shouldn't"
    assert not site.is_live(again["access_token"])


def test_another_time_in_a_token_s_text_finds_nothing(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    token = site.tokens(client)["access_token"]
    secret, _, issued = token.rpartition("~")
    later = f"{int(issued, 16) + 1:08x}"
    odd = [later, "ffffffff", issued.upper() + "0", issued[:-1], "-0000001", "+0000001", "1234567_", "0x123456"]
    for text in (secret, *(f"{secret}~{each}" for each in (*odd, "zzzzzzzz"))):
        assert not site.is_live(text)
        assert site.post(client, "/oauth/introspect", token=text).get_json() == {"active": False}
        assert site.post(client, "/oauth/revoke", token=text).status_code == 200
    assert site.is_live(token)


def test_a_token_s_time_is_trusted_for_nothing_but_its_row(make_site: MakeSite) -> None:
    """Its row says when it was issued and when it expires."""
    site = make_site()
    client = site.register()
    token = site.tokens(client)["access_token"]
    forged = f"{token.rpartition('~')[0]}~ffffffff"
    row = database_of(site.app).first(select(access_token))
    assert row is not None
    expired = {**row._mapping, "token_hash": token_key(forged), "expires_at": row.issued_at - 1}
    database_of(site.app).run(insert(access_token).values(expired))
    assert site.is_live(token)
    assert not site.is_live(forged)


@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_lost_answer_of_a_refresh_comes_again_in_a_later_second(kind: str, make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30)
    client = site.register(access_token_format=kind)
    spent = site.tokens(client)["refresh_token"]
    first = granted(site.refresh(client, spent))
    clock.advance(7)
    again = granted(site.refresh(client, spent))
    assert again["refresh_token"] == first["refresh_token"]
    assert kind == "jwt" or again["access_token"] == first["access_token"]
    assert site.is_live(again["access_token"])


@given(prefix=PREFIXES, issued_at=st.integers(0, 2**32 - 1))
def test_no_old_token_is_taken_for_a_new_one(prefix: str, issued_at: int) -> None:
    old = prefix + secrets.token_urlsafe(32)
    assert token_key(old) == hashlib.sha256(old.encode()).digest()
    new = new_token(prefix, issued_at)
    assert token_key(new)[:4] == issued_at.to_bytes(4, "big")
    assert len(new) == len(old) + 9


@given(
    st.text(max_size=60).map(lambda text: f"{text}~") | st.just("x~"), st.text("0123456789abcdef+-_ \u0661", max_size=9)
)
def test_every_text_has_a_key_of_32_bytes(start: str, end: str) -> None:
    assert len(token_key(start + end)) == 32
