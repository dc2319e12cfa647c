"""Whatever ends tokens ends them at once in this process, cached ones too, and says so once, by one signal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.signals import refresh_token_reused, token_revoked
from tests.support.app import recorded, server_of
from tests.support.ports import free_port
from tests.support.site import MakeSite, Page, Site, granted
from tests.support.stored import audit_of


def the_client_gives_the_access_token_back(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    site.post(client, "/oauth/revoke", token=tokens["access_token"])


def the_client_gives_the_refresh_token_back(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    site.post(client, "/oauth/revoke", token=tokens["refresh_token"])


def the_user_takes_it_back(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    page = Page(site.browser.get("/oauth/applications"))
    site.browser.post(f"/oauth/applications/{client.client_id}/revoke", data=dict(page.fields))


def code_revokes_the_token(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    assert site.gateway.tokens.revoke(token=tokens["access_token"]) == 1


def code_revokes_the_refresh_token(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    assert site.gateway.tokens.revoke(token=tokens["refresh_token"]) == 1


def code_revokes_all_of_the_user(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    assert site.gateway.tokens.revoke(subject="alice") > 0


def the_code_comes_again(site: Site, client: Any, tokens: dict[str, Any]) -> None:
    assert site.redeem(client, tokens["code"]).status_code == 400


WAYS = [
    the_client_gives_the_access_token_back,
    the_client_gives_the_refresh_token_back,
    the_user_takes_it_back,
    code_revokes_the_token,
    code_revokes_the_refresh_token,
    code_revokes_all_of_the_user,
    the_code_comes_again,
]


def given(site: Site, client: Any) -> dict[str, Any]:
    """Tokens for a code, with the code; the access token is remembered as good."""
    code = site.code(client)
    tokens = granted(site.redeem(client, code))
    assert site.is_live(tokens["access_token"])
    return {**tokens, "code": code}


@pytest.mark.parametrize("end", WAYS, ids=lambda end: end.__name__)
@pytest.mark.parametrize("kind", ["opaque", "jwt"])
def test_a_token_that_ends_is_refused_at_once_and_one_signal_says_so(
    make_site: Callable[..., Site], end: Callable[[Site, Any, dict[str, Any]], None], kind: str
) -> None:
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=600, OAUTH_ACCESS_TOKEN_FORMAT=kind)
    client = site.register()
    tokens = given(site, client)
    with recorded(token_revoked, site.app) as said:
        end(site, client, tokens)
    assert not site.is_live(tokens["access_token"])
    assert [one["client_id"] in (client.client_id, None) for one in said] == [True]
    assert said[0]["by"]
    assert said[0]["count"] >= 1


def test_a_refresh_token_that_is_used_twice_ends_what_is_remembered_and_says_so(make_site: Callable[..., Site]) -> None:
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=600)
    client = site.register()
    tokens = given(site, client)
    granted(site.refresh(client, tokens["refresh_token"]))
    with recorded(refresh_token_reused, site.app) as said:
        assert site.refresh(client, tokens["refresh_token"]).status_code == 400
    assert [one["subject"] for one in said] == ["alice"]
    assert not site.is_live(tokens["access_token"])


def test_a_refresh_for_a_user_who_is_gone_stores_nothing_and_ends_nothing(make_site: Callable[..., Site]) -> None:
    """Where one statement stores the successors, they are there before the app is asked for the user, and taken back then."""
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=600)
    client = site.register()
    tokens = given(site, client)
    alice = site.people.pop("alice")
    with recorded(token_revoked, site.app) as said:
        assert site.refresh(client, tokens["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert said == []
    assert len(site.gateway.tokens.find(client_id=client.client_id).tokens) == 1
    site.people["alice"] = alice
    assert site.is_live(tokens["access_token"])
    granted(site.refresh(client, tokens["refresh_token"]))


def test_the_end_of_tokens_that_are_not_stored_is_told_too(make_site: MakeSite) -> None:
    """How many there were nobody can count. Who did it when stands in the audit trail all the same."""
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=0)
    client = site.register(grant_types=["client_credentials"])
    token = granted(site.token(client, "client_credentials"))["access_token"]
    with recorded(token_revoked, site.app) as told:
        assert site.gateway.tokens.revoke(client_id=client.client_id) == 0
    assert [(signal["client_id"], signal["count"]) for signal in told] == [(client.client_id, 0)]
    assert not site.is_live(token)
    (entry,) = audit_of(site.app).newest(1, {"event": "token_revoked"})
    assert (entry.client_id, entry.details["count"]) == (client.client_id, 0)


def test_a_hook_that_revokes_what_it_decides_about_is_named_in_the_log(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(OAUTH_GRANT_TYPES=["password"], OAUTH_REVOCATION_POLL_SECONDS=0)

    def check_password(username: str, password: str) -> Any:
        site.gateway.tokens.revoke(subject=username)
        return site.people[username]

    site.gateway.check_password(check_password)
    client = site.register(grant_types=["password"], redirect_uris=[])
    response = site.token(client, "password", username="alice", password="right")
    assert (response.status_code, response.get_json()["error"]) == (503, "temporarily_unavailable")
    assert "Does a hook revoke what it is asked about?" in caplog.text


@pytest.mark.parametrize(
    ("way", "store", "method"),
    [
        (the_client_gives_the_access_token_back, "tokens", "revoke"),
        (the_client_gives_the_refresh_token_back, "approvals", "revoke"),
        (code_revokes_the_token, "tokens", "revoke_one"),
        (code_revokes_all_of_the_user, "tokens", "revoke_where"),
    ],
)
def test_what_is_revoked_though_the_answer_was_lost_is_not_remembered_as_good(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, way: Any, store: str, method: str
) -> None:
    """The connection is lost after the commit: the database has it, and whoever revoked is told to try again."""
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=300)
    client = site.register()
    tokens = given(site, client)
    stored = getattr(server_of(site.app), store)
    revoke = getattr(stored, method)
    tried: list[Any] = []

    def lose_the_answer(*arguments: Any) -> None:
        tried.append(revoke(*arguments))
        raise TemporarilyUnavailable

    monkeypatch.setattr(stored, method, lose_the_answer)
    with suppress(TemporarilyUnavailable):  # in code; to a client it is 503
        way(site, client, tokens)
    assert tried, "it is done"
    assert not site.is_live(tokens["access_token"])


@pytest.mark.parametrize("end", WAYS, ids=lambda end: end.__name__)
def test_what_is_revoked_is_said_though_no_other_process_can_be_told(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    """Redis is away, and the database fails just then: who revoked tries again, and is told only that it was done before."""
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=300, OAUTH_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    client = site.register()
    tokens = given(site, client)
    with nobody_told(site, monkeypatch) as tried, recorded(token_revoked, site.app) as said:
        with suppress(AssertionError, TemporarilyUnavailable):  # in code; to a client it is 503
            end(site, client, tokens)
        assert tried
    assert [one["client_id"] in (client.client_id, None) for one in said] == [True]
    assert audit_of(site.app).newest(1, {"event": "token_revoked"})
    assert not site.is_live(tokens["access_token"])


def test_a_theft_is_said_though_no_other_process_can_be_told(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=300, OAUTH_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    client = site.register()
    tokens = given(site, client)
    granted(site.refresh(client, tokens["refresh_token"]))
    with nobody_told(site, monkeypatch) as tried, recorded(refresh_token_reused, site.app) as said:
        assert site.refresh(client, tokens["refresh_token"]).status_code == 503
        assert tried
    assert [one["subject"] for one in said] == ["alice"]
    assert audit_of(site.app).newest(1, {"event": "refresh_token_reused"})


@contextmanager
def nobody_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    tried: list[str] = []

    def fail() -> None:
        tried.append("note_missed")
        raise TemporarilyUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(server_of(site.app).revocations, "note_missed", fail)
        yield tried
