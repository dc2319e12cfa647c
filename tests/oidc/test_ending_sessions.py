"""Who can end sessions, and who is told: code, the command line, programs, administrators, and the user's own sign-out."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy import select

from flask_oauth_gateway.database.tables import session as session_table
from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.signals import session_ended, token_revoked
from flask_oauth_gateway.stores.openid.sessions import SessionStore
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.admin import AdminSite
from tests.support.app import MakeApp, gateway_of, refusal, register
from tests.support.clock import Clock
from tests.support.command_line import told_by
from tests.support.management import Api
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Site, answer, location, query
from tests.support.stored import audit_of, database_of


@contextmanager
def heard(app: Flask) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The signals that come meanwhile, by their names."""
    found: list[tuple[str, dict[str, Any]]] = []

    def ended(sender: Flask, **payload: Any) -> None:
        found.append(("ended", payload))

    def revoked(sender: Flask, **payload: Any) -> None:
        found.append(("revoked", payload))

    with session_ended.connected_to(ended, app), token_revoked.connected_to(revoked, app):
        yield found


def rows(app: Flask) -> list[Any]:
    return database_of(app).all(select(session_table))


def test_what_ends_is_told_once_and_no_sid_is_told_whole(party: RelyingParty, caplog: pytest.LogCaptureFixture) -> None:
    app, gateway = party.site.app, party.site.gateway
    sid = party.sign_in(scope="openid weather:read")["sid"]
    with caplog.at_level(logging.DEBUG), heard(app) as told:
        assert gateway.sessions.end(sid=sid) == 1
        assert gateway.sessions.end(sid=sid) == 0
    client_id = party.client.client_id
    who = {"client_id": client_id, "subject": "alice", "actor": None}
    assert told == [
        ("ended", {**who, "sid": sid[:8], "by": "code"}),
        (
            "revoked",
            {**who, "token_id": None, "count": 1, "by": "the end of a session", "reason": None, "found_at": None},
        ),
    ]
    (entry,) = audit_of(app).newest(10, {"event": "session_ended"})
    assert (entry.client_id, entry.subject, entry.details) == (client_id, "alice", {"sid": sid[:8], "by": "code"})
    assert sid not in caplog.text
    assert all(sid not in str(each) for each in audit_of(app).newest(100, {}))


def test_to_revoke_tokens_is_not_to_sign_out_and_the_other_way_round(party: RelyingParty) -> None:
    site = party.site
    sid = party.sign_in(scope="openid weather:read")["sid"]
    assert site.gateway.tokens.revoke(subject="alice") > 0
    assert party.sign_in(scope="openid offline_access weather:read")["sid"] == sid
    site.gateway.sessions.end(subject="alice")
    assert site.is_live(party.tokens["access_token"])


def test_a_user_s_number_is_no_subject_and_the_error_says_what_is(party: RelyingParty) -> None:
    for ask in (party.site.gateway.sessions.end, party.site.gateway.sessions.find):
        with pytest.raises(ValueError, match="The subject is of type int; it may be a text"):
            ask(subject=1)  # type: ignore[arg-type]


def test_without_openid_connect_there_are_none(make_app: MakeApp) -> None:
    app = make_app()
    with pytest.raises(RuntimeError, match="OAUTH_OIDC"):
        gateway_of(app).sessions.end(subject="alice")
    assert "set OAUTH_OIDC = True" in told_by(app, "session", "end", "--subject", "alice")


def test_by_the_command_line(party: RelyingParty) -> None:
    app, sid = party.site.app, party.sign_in()["sid"]
    assert "Error: Name --subject or --sid." in told_by(app, "session", "end")
    assert told_by(app, "session", "end", "--sid", sid, "--subject", "bob").startswith(
        "0 ended: there is no such session"
    )
    with heard(app) as told:
        assert told_by(app, "session", "end", "--sid", sid) == "1 ended.\n"
    assert told[0][1]["by"] == "the command line"
    party.sign_in()
    assert '"ended": 1' in told_by(app, "session", "end", "--subject", "alice", "--json")


def test_the_command_line_lists_them(party: RelyingParty) -> None:
    app, sid = party.site.app, party.sign_in()["sid"]
    party.site.person = "bob"
    party.sign_in()
    (found,) = json.loads(told_by(app, "session", "list", "--subject", "alice", "--json"))["sessions"]
    assert (found["sid"], found["client_id"], found["subject"]) == (sid, party.client.client_id, "alice")
    for_people = told_by(app, "session", "list", "--client", party.client.client_id, "--limit", "1")
    assert for_people.split()[:5] == ["SID", "CLIENT_ID", "SUBJECT", "SINCE", "EXPIRES"]
    after = for_people.split("More: --after ")[1].strip()
    rest = json.loads(told_by(app, "session", "list", "--after", after, "--json"))
    assert (len(rest["sessions"]), rest["next"]) == (1, None)
    assert "there is no client" in told_by(app, "session", "list", "--client", "nobody").lower()
    assert "Error: --after: " in told_by(app, "session", "list", "--after", "x")


def test_by_a_program(make_party: MakeParty) -> None:
    party = make_party(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None)
    site, api = party.site, Api(party.site.app)
    sids = [party.sign_in()["sid"]]
    party.client = site.register(scope="openid")
    sids.append(party.sign_in()["sid"])
    site.person = "bob"
    party.sign_in()
    first = api.get("/sessions?subject=alice&limit=1")
    second = api.get(f"/sessions?subject=alice&limit=1&after={first['next']}")
    assert second["next"] is None
    found = [*first["sessions"], *second["sessions"]]
    assert {each["sid"] for each in found} == set(sids)
    assert found[0].keys() == {"sid", "client_id", "subject", "began_at", "expires_at"}
    assert all(sid not in first["next"] for sid in sids), "it stands in an address"
    (other,) = api.get(f"/sessions?client_id={party.client.client_id}&subject=alice")["sessions"]
    assert other["sid"] == sids[1]
    assert api.get("/sessions?client_id=nobody") == {"sessions": [], "next": None}
    refusal(api("GET", "/sessions?after=x"), 400, "invalid_request")
    refusal(api("POST", "/sessions/end", {}), 400, "invalid_request")
    with heard(site.app) as told:
        assert api("POST", "/sessions/end", {"sid": sids[0]}).get_json() == {"ended": 1}
    assert (told[0][1]["by"], told[0][1]["actor"]) == ("an administrator", f"client {api.admin.client_id}")
    assert api("POST", "/sessions/end", {"subject": "alice"}).get_json() == {"ended": 1}
    assert len(rows(site.app)) == 1


def test_by_an_administrator(make_app: MakeApp) -> None:
    site = AdminSite(make_app(OAUTH_OIDC=True, OAUTH_ADMIN=True))
    client = site.register(scope="openid", skip_consent=True)
    for person in ("alice", "bob", "bob"):
        site.person, site.browser = person, site.app.test_client()
        site.ask(client, scope="openid")
    site.person, site.browser = "root", site.app.test_client()
    page = site.open("sessions", subject="alice")
    sid = page.hidden("sid")
    assert sid not in page.text
    assert "bob" not in page.text
    with heard(site.app) as told:
        assert site.submit("sessions", {"sid": sid}, subject="alice").status_code == 303
    assert (told[0][1]["by"], told[0][1]["actor"]) == ("an administrator", "root")
    assert "Nothing was found." in site.open("sessions", subject="alice").text
    site.submit("sessions", {"sid": "", "subject": ""})
    site.submit("sessions", {"subject": "bob", "form_token": "old"})
    assert len(rows(site.app)) == 2
    site.submit("sessions", {"subject": "bob"})
    assert rows(site.app) == []
    site.open("sessions", status=400, after="x")


def test_without_openid_connect_administrators_see_none(make_app: MakeApp) -> None:
    site = AdminSite(make_app(OAUTH_ADMIN=True))
    assert "Sessions" not in site.open("clients").text
    assert site.browser.get("/oauth/admin/sessions").status_code == 404


class Account(UserMixin):
    def __init__(self, name: str) -> None:
        self.id = self.name = name


@pytest.fixture
def with_flask_login(make_app: MakeApp) -> Flask:
    """An app whose users sign in and out by Flask-Login. Unless it is told to `keep` it, it clears its session at a sign-in."""
    app = make_app(OAUTH_OIDC=True, OAUTH_LOGIN_URL="/login")
    LoginManager(app).user_loader(Account)

    @app.get("/login")
    def login() -> Any:
        if "keep" not in request.args:
            session.clear()
        login_user(Account(request.args.get("as", "alice")))
        return redirect(request.args.get("next", "/"))

    @app.get("/logout")
    def logout() -> str:
        if current_user.is_authenticated and "clear" in request.args:
            session.clear()
        logout_user()
        return "bye"

    return app


def signed_in(app: Flask) -> tuple[Any, Client, Callable[..., str]]:
    """A browser whose user is signed in, a client, and what gives the `sid` of a sign-in there."""
    browser = app.test_client()
    client = register(
        app,
        scope="openid",
        grant_types=["authorization_code"],
        skip_consent=True,
        redirect_uris=["https://app.example/cb"],
    )
    browser.get("/login")

    def sid(**parameters: str) -> str:
        party = RelyingParty.__new__(RelyingParty)
        party.site = Site.__new__(Site)
        party.site.app, party.client = app, client
        response = browser.get("/oauth/authorize", query_string=query(client, scope="openid", **parameters))
        while not response.headers["Location"].startswith("https://app.example/cb"):
            response = browser.get(response.headers["Location"])
        return str(party.read(party.trade(answer(location(response))["code"])["id_token"])["sid"])

    return browser, client, sid


def test_the_sign_out_of_flask_login_ends_those_of_the_browser(with_flask_login: Flask) -> None:
    browser, _, sid = signed_in(with_flask_login)
    elsewhere = with_flask_login.test_client()
    elsewhere.get("/login")
    first = sid()
    with heard(with_flask_login) as told:
        assert elsewhere.get("/logout").text == "bye"
        assert not told, "this browser was signed in nowhere"
        assert browser.get("/logout").text == "bye"
        assert browser.get("/logout").text == "bye"
    assert [(each["sid"], each["by"]) for _, each in told[:1]] == [(first[:8], "the user")]
    assert len([name for name, _ in told if name == "ended"]) == 1
    browser.get("/login")
    assert sid() != first


def test_so_does_that_of_an_app_which_clears_its_session_before(with_flask_login: Flask) -> None:
    browser, _, sid = signed_in(with_flask_login)
    sid()
    assert browser.get("/logout?clear").text == "bye"
    assert rows(with_flask_login) == []


def test_a_sign_out_where_the_database_is_away_is_answered_with_503(
    with_flask_login: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _, sid = signed_in(with_flask_login)
    sid()

    def away(*_: Any, **__: Any) -> Any:
        raise TemporarilyUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(SessionStore, "end", away)
        assert browser.get("/logout").status_code == 503
    browser.get("/login?keep")
    assert browser.get("/logout").text == "bye"
    assert rows(with_flask_login) == []


def test_a_session_outlasts_the_sign_in_that_a_client_asks_for(with_flask_login: Flask, clock: Clock) -> None:
    """Though the app clears its own session there; another user's is another one."""
    browser, client, sid = signed_in(with_flask_login)
    first = sid()
    assert sid(prompt="login") == first
    assert sid(max_age="0") == first
    response = browser.get("/oauth/authorize", query_string=query(client, scope="openid", prompt="login"))
    back = browser.get(response.headers["Location"] + "&as=bob").headers["Location"]
    browser.get(back)
    assert {row.subject for row in rows(with_flask_login)} == {"alice", "bob"}
    assert len({bytes(row.browser) for row in rows(with_flask_login)}) == 2
    clock.advance(2)
    browser.get("/login")
    assert sid() != first, "the app has cleared its session by itself"


def test_an_app_without_a_secret_key_has_no_sessions(make_app: MakeApp) -> None:
    site = Site(make_app(OAUTH_OIDC=True, SECRET_KEY=None, OAUTH_KEY_ENCRYPTION_KEY="long enough for the keys"))
    party = RelyingParty(site, skip_consent=True)
    assert "sid" not in party.sign_in()
    assert "sid" not in party.read(party.refresh()["id_token"])
