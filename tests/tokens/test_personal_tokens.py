"""Personal access tokens: what ends them and what doesn't, what others are told of them, their last use, and many at once."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.database.partitions.state import key as partition_key
from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.signals import token_issued
from flask_oauth_gateway.stores.figures.clients import usage_of
from flask_oauth_gateway.stores.personal.uses import network_of
from flask_oauth_gateway.tokens.personal.making import CLIENT_ID, PersonalToken, Wanted
from tests.support import personal
from tests.support.app import bearer, recorded, server_of
from tests.support.clock import Clock
from tests.support.other_process import Doing, OtherProcess
from tests.support.racing import together
from tests.support.site import READ, WRITE, MakeSite, Page, Site
from tests.support.stored import audit_of, database_of

DAY = 86400
PUBLIC = {
    "keys": [
        {
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    ]
}  # fmt: skip


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**personal.ON)


def introspected(site: Site, token: str) -> dict[str, Any]:
    reader = site.register(resource_server=True, grant_types=["client_credentials"])
    answer: dict[str, Any] = site.post(reader, "/oauth/introspect", token=token).get_json()
    return answer


ENDS: dict[str, Callable[[Site, str], Any]] = {
    "by its value": lambda site, token: site.gateway.tokens.revoke(token=token),
    "by its id": lambda site, token: site.gateway.tokens.revoke(token_id=personal.id_of(token)),
    "with all that its user has": lambda site, _: site.gateway.tokens.revoke(subject="alice"),
    "with all of its client": lambda site, _: site.gateway.tokens.revoke(client_id=CLIENT_ID),
    "with all from before": lambda site, _: site.gateway.tokens.revoke(issued_before=int(time.time())),
    "by its user": lambda site, token: personal.end(site, token_id=personal.id_of(token)),
    "with all of its user's": lambda site, _: personal.end(site, all="yes"),
    "by a report": lambda site, token: site.app.test_client().post("/oauth/tokens/leaked", data={"token": token}),
    "with its client": lambda site, _: site.gateway.clients.delete(CLIENT_ID),
}


def test_whatever_ends_it_it_is_dead_everywhere_and_gone_from_the_list(site: Site, clock: Clock) -> None:
    for what, end in ENDS.items():
        token = personal.make(site)
        personal.make(site, name="Another")
        clock.advance(2)
        assert site.is_live(token)
        assert introspected(site, token)["active"]
        end(site, token)
        assert not site.is_live(token), what
        assert introspected(site, token) == {"active": False}, what
        assert site.app.test_client().get("/oauth/tokeninfo", headers=bearer(token)).status_code == 400
        site.gateway.tokens.revoke(subject="alice")
        assert personal.ids(site) == [], what


def test_what_others_have_or_lose_leaves_it(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_OIDC=True)
    token, client = personal.make(site), site.register(scope=f"openid {READ}")
    site.tokens(client, scope=f"openid {READ}")
    page = Page(site.browser.get("/oauth/applications"))
    site.browser.post("/oauth/applications/revoke", data={**dict(page.fields)})
    site.tokens(client, scope=f"openid {READ}")
    with site.app.test_request_context():
        site.gateway.sessions.end(subject="alice")
    site.gateway.tokens.revoke(client_id=client.client_id)
    site.gateway.clients.delete(client.client_id)
    assert site.is_live(token)


def test_the_client_of_all_of_them_is_a_switch_a_ceiling_and_has_a_plan(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_PLANS={"readers": {"scopes": [READ]}, "nobody": {"scopes": []}})
    token = personal.make(site, scope=[READ, WRITE])
    clients = site.gateway.clients
    clients.update(CLIENT_ID, enabled=False)
    assert not site.is_live(token)
    assert "An administrator has stopped these tokens." in personal.listed(site).text
    refused = personal.send(site, personal.form_of(site))
    assert "No tokens can be made here at the moment." in Page(refused).text
    clients.update(CLIENT_ID, enabled=True)
    assert site.is_live(token)
    clients.update(CLIENT_ID, scope=READ)
    assert set(personal.form_of(site).boxes) == {READ}
    clients.update(CLIENT_ID, scope="", plan="readers")
    assert set(personal.form_of(site).boxes) == {READ}
    assert site.me(token)["scope"] == READ  # type: ignore[index]
    clients.delete(CLIENT_ID)
    assert not site.is_live(token)
    assert site.is_live(personal.make(site)), "the next one makes the client anew"
    assert not site.is_live(token), "and revives none"


def test_what_an_administrator_took_away_is_given_by_no_process_that_has_not_heard_of_it(
    make_site: MakeSite, database_uri: str, tmp_path: Path
) -> None:
    site = make_site(**personal.ON)
    personal.make(site)
    personal.signed_in(site)
    form = personal.form_of(site)  # from now on the process remembers the client for some seconds
    with OtherProcess({"OAUTH_DATABASE_URI": database_uri, **personal.ON}, tmp_path / "other", Elsewhere) as other:
        other.ask("take_away")
    refused = personal.send(site, form, scope=[READ, WRITE])
    assert "A token may not have all that was chosen." in Page(refused).text
    assert set(Page(refused).boxes) == {READ}
    assert site.me(personal.shown(personal.send(site, Page(refused))))["scope"] == READ  # type: ignore[index]


def test_as_long_as_programs_could_be_that_client_no_token_is_made(site: Site) -> None:
    clients = site.gateway.clients
    clients.create(client_id=CLIENT_ID, grant_types=["client_credentials"])
    personal.signed_in(site)
    assert personal.send(site, personal.form_of(site)).status_code == 503
    clients.delete(CLIENT_ID)
    assert personal.make(site)
    for method in ("private_key_jwt", "none"):
        clients.update(CLIENT_ID, token_endpoint_auth_method=method, **({"jwks": PUBLIC} if "key" in method else {}))
        assert personal.send(site, personal.form_of(site)).status_code == 503


def test_a_user_who_is_gone_takes_it_along_where_the_app_is_asked(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_CHECK_USER=True)
    token = personal.make(site)
    assert site.is_live(token)
    site.people.pop("alice")
    assert not site.is_live(token)


def test_what_is_told_of_it(site: Site) -> None:
    site.gateway.token_attributes(lambda _, user, __, grant_type: {"made_for": f"{user.name} {grant_type}"})
    token = personal.make(site, scope=[READ, WRITE])
    told = introspected(site, token)
    info = site.app.test_client().get("/oauth/tokeninfo", headers=bearer(token)).get_json()
    assert (told["active"], told["client_id"], told["sub"], told["scope"]) == (
        True,
        CLIENT_ID,
        "alice",
        f"{READ} {WRITE}",
    )
    assert told["grant_type"] == info["grant_type"] == "personal"
    assert told["made_for"] == info["made_for"] == "Alice personal"
    assert "refresh_token" not in told
    (found,) = site.gateway.tokens.find(client_id=CLIENT_ID, subject="alice").tokens
    assert found.token_id == personal.ids(site)[0]
    listed = site.app.test_cli_runner().invoke(args=["oauth", "token", "list", "--client", CLIENT_ID])
    assert found.token_id in listed.output
    inspected = site.app.test_cli_runner().invoke(args=["oauth", "token", "inspect", token])
    assert "personal" in inspected.output
    assert token not in inspected.output
    audited = audit_of(site.app).newest(10, {"event": "token_issued"})
    assert [(row.subject, row.details["grant_type"], row.details["token_id"]) for row in audited] == [
        ("alice", "personal", found.token_id)
    ]


def test_it_stands_with_the_tokens_of_its_second(site: Site) -> None:
    before = int(time.time())
    personal.make(site)
    row = database_of(site.app).first(select(tables.access_token.c.token_hash))
    assert row is not None
    assert before <= int.from_bytes(bytes(row.token_hash)[:4]) <= time.time()
    assert partition_key(before)


# Last use


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", None),
        ("a unix socket", None),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str | None) -> None:
    assert network_of(address) == network


def used(site: Site) -> tuple[Any, Any]:
    server_of(site.app).uses.close()  # type: ignore[union-attr]
    row = database_of(site.app).first(select(tables.personal_token))
    assert row is not None
    return row.last_used_at, row.last_used_network


def test_its_last_use_is_known_and_from_which_network(site: Site, clock: Clock) -> None:
    token = personal.make(site)
    assert used(site) == (None, None)

    def use(address: str) -> None:
        site.app.test_client().get("/me", headers=bearer(token), environ_base={"REMOTE_ADDR": address})

    use("192.0.2.77")
    first = used(site)
    assert first == (pytest.approx(time.time(), abs=5), "192.0.2.0/24")
    clock.advance(60)
    use("192.0.2.77")
    assert used(site) == first, "not at each request"
    use("2001:db8:1:2::3")
    assert used(site)[1] == "2001:db8:1::/48", "but from another address at once"
    clock.advance(301)
    use("2001:db8:1:2::3")
    assert used(site)[0] > first[0] + 300
    client = site.gateway.clients.get(CLIENT_ID)
    assert client is not None
    told = usage_of(database_of(site.app), client).last_used
    assert told == used(site)[0], "so is an administrator told who is about to end them all"
    introspected(site, token)
    assert used(site)[1] is None, "from where it was used, who asked about it alone knows"


def test_who_is_refused_has_not_used_it(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_CHECK_USER=True)
    token, alice = personal.make(site), site.people.pop("alice")
    assert not introspected(site, token)["active"]
    assert not site.is_live(token)
    site.people["alice"] = alice
    server_of(site.app).uses.close()  # type: ignore[union-attr]
    assert "Last used never" in personal.listed(site).text


def test_other_tokens_have_no_last_use(site: Site) -> None:
    client = site.register()
    assert site.is_live(site.tokens(client)["access_token"])
    server_of(site.app).uses.close()  # type: ignore[union-attr]
    assert database_of(site.app).first(select(func.count()).select_from(tables.personal_token))[0] == 0  # type: ignore[index]


# The app is told


def test_the_app_is_told_of_each_and_never_told_the_token(site: Site) -> None:
    told: list[PersonalToken] = []
    site.gateway.token_created(told.append)
    token = personal.make(site, name="Backup", scope=[READ], expires="7")
    (made,) = told
    assert (made.subject, made.name, made.scopes, made.network) == ("alice", "Backup", (READ,), "127.0.0.0/24")
    assert made.expires_at.tzinfo is not None
    assert (made.expires_at - made.issued_at).total_seconds() == 7 * DAY
    assert isinstance(made.issued_at, datetime)
    assert token not in repr(made)
    assert token[-20:] not in repr(made)


def test_a_hook_that_fails_loses_no_token(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def fail(made: PersonalToken) -> None:
        raise RuntimeError("the mail server is away")

    site.gateway.token_created(fail)
    token = personal.make(site)
    assert site.is_live(token)
    assert "the mail server is away" in caplog.text
    assert token not in caplog.text


def test_where_a_receiver_of_the_signal_fails_the_user_hears_of_the_token_all_the_same(site: Site) -> None:
    told: list[PersonalToken] = []
    site.gateway.token_created(told.append)
    personal.signed_in(site)
    form = personal.form_of(site)

    def fail(_: Any, **__: Any) -> None:
        raise RuntimeError("the statistics are away")

    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    with token_issued.connected_to(fail, site.app):
        assert personal.send(site, form).status_code == 500
    assert [each.token_id for each in told] == personal.ids(site)


# Many at once


def test_of_many_at_once_none_gets_lost_and_none_is_one_too_many(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_oauth_gateway.tokens.personal.making.MOST", 5)
    told: list[PersonalToken] = []
    site.gateway.token_created(told.append)
    personal.signed_in(site)
    forms = [(browser, personal.form_of(site, browser)) for browser in (site.app.test_client() for _ in range(8))]
    answers: list[Any] = []

    def send(number: int) -> None:
        browser, form = forms[number]
        answers.append(personal.send(site, form, browser, name=f"number {number}"))

    with recorded(token_issued, site.app) as issued:
        together(8, send)
    made = [personal.shown(each) for each in answers if each.status_code == 200]
    assert len(made) == 5, [each.status_code for each in answers]
    assert all(site.is_live(token) for token in made)
    assert len({each.token_id for each in told}) == len(told) == len(issued) == len(personal.ids(site)) == 5


class Elsewhere(Doing):
    """Another process of the same app."""

    def make(self) -> str:
        with self.app.test_request_context():
            made = server_of(self.app).personal_tokens.make(
                "alice", None, Wanted("Elsewhere", (READ,), DAY), "192.0.2.1"
            )
        return made[0]

    def end_all(self) -> int:
        return self.gateway.tokens.revoke(subject="alice")

    def take_away(self) -> None:
        self.gateway.clients.update(CLIENT_ID, scope=READ)

    def look(self, token: str) -> int:
        return self.app.test_client().get("/weather", headers=bearer(token)).status_code

    def leak(self, token: str) -> int:
        return self.app.test_client().post("/oauth/tokens/leaked", data={"token": token}).status_code


def test_in_two_processes_what_is_ended_in_one_is_dead_in_the_other_at_once(
    make_site: MakeSite, database_uri: str, tmp_path: Path
) -> None:
    site = make_site(**personal.ON)
    config = {"OAUTH_DATABASE_URI": database_uri, **personal.ON}
    with OtherProcess(config, tmp_path / "other", Elsewhere) as other:
        here, there = personal.make(site), other.ask("make")
        assert [other.ask("look", token=each) for each in (here, there)] == [200, 200]
        assert [site.is_live(each) for each in (here, there)] == [True, True]
        for token_id in personal.ids(site)[:1]:
            personal.end(site, token_id=token_id)
        assert sorted(other.ask("look", token=each) for each in (here, there)) == [200, 401]
        other.ask("end_all")
        assert [site.is_live(each) for each in (here, there)] == [False, False]
        again = personal.make(site)
        assert other.ask("look", token=again) == 200
        assert other.ask("leak", token=again) == 200
        assert not site.is_live(again)


def test_of_those_that_are_made_while_another_process_ends_all_none_from_before_lives_on(
    make_site: MakeSite, database_uri: str, tmp_path: Path
) -> None:
    site = make_site(**personal.ON)
    made: list[tuple[float, str, float]] = []
    ends: list[tuple[float, float]] = []

    def make() -> None:
        asked = time.monotonic()
        with site.app.test_request_context():
            wanted = Wanted("At once", (READ,), DAY)
            with suppress(TemporarilyUnavailable):  # it was ended at each try
                token = server_of(site.app).personal_tokens.make("alice", site.people["alice"], wanted, "")[0]
                made.append((asked, token, time.monotonic()))

    with OtherProcess({"OAUTH_DATABASE_URI": database_uri, **personal.ON}, tmp_path / "other", Elsewhere) as other:

        def end() -> None:
            asked = time.monotonic()
            other.ask("end_all")
            ends.append((asked, time.monotonic()))

        make()
        together(3, lambda number: [make() if number else end() for _ in range(4)] and None)  # type: ignore[func-returns-value]
        make()
        for asked, token, answered in made:
            if any(answered < began for began, _ in ends):
                assert not site.is_live(token)
            elif asked > max(done for _, done in ends):
                assert site.is_live(token)
        end()
        assert not any(site.is_live(token) for _, token, _ in made), "whatever was under way has been ended by now"
