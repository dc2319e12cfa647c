"""A hook names a user by what no subject can be: the log tells the mistake, and the caller gets an error, never a traceback."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, OperationalError, StatementError
from werkzeug.test import TestResponse

from tests.support.app import basic, gateway_of, refusal, register
from tests.support.databases import every_database
from tests.support.device import confirm, poll, start
from tests.support.device import register as register_device
from tests.support.lottery import LotteryGrant, Winner
from tests.support.site import MakeSite, Page, Person, Site, answer, error_page, granted
from tests.support.trading import MakeTrading, Trading

LOTTERY = f"{LotteryGrant.__module__}:{LotteryGrant.__qualname__}"
LONGEST = "\U0001f984" * 255
NO_TEXT = ["", "x" * 256, "a\0b", "\ud800"]
NO_SUBJECT: list[Any] = [*NO_TEXT, None, True, b"alice", ["alice"], {"id": 1}]


class Nobody:
    """A user without an id."""


def person(subject: Any) -> Any:
    made = Person("someone")
    made.id = subject
    return made


def users() -> list[Any]:
    return [*map(person, NO_SUBJECT), Nobody()]


def told(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the app's mistake, in one line and without a traceback."""
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert records
    for record in records:
        assert "user" in record.getMessage()
        assert record.exc_info is None
        assert len(record.getMessage()) < 300
    caplog.clear()


@every_database
def test_on_the_pages_it_is_an_error_page(make_site: MakeSite, caplog: pytest.LogCaptureFixture) -> None:
    site = make_site(OAUTH_ADMIN=True)
    site.gateway.is_admin(lambda _: True)
    client, public = site.register(), site.register_public(grant_types=["implicit"])
    caplog.clear()
    for user in users():
        site.gateway.current_user(lambda user=user: user)
        error_page(site.ask(client), "server_error", 503)
        error_page(site.ask(public, response_type="token"), "server_error", 503)
        told(caplog)
        for path in ("/oauth/device", "/oauth/applications", "/oauth/admin/"):
            error_page(site.browser.get(path), "server_error", 503)
            told(caplog)


@every_database
def test_where_a_password_was_right_it_is_an_oauth_error(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    client = site.register(grant_types=["password"], redirect_uris=[])
    for user in users():
        site.gateway.check_password(lambda *_, user=user: user)
        response = site.token(client, "password", username="alice", password="right")
        refusal(response, 503, "server_error")
        told(caplog)


@every_database
def test_of_a_grant_of_the_app_s_own_it_is_an_oauth_error(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(OAUTH_GRANT_TYPES=[LOTTERY])
    client = register(app, grant_types=[LotteryGrant.GRANT_TYPE])
    for subject in NO_SUBJECT:
        monkeypatch.setattr(Winner, "id", subject)
        data = {"grant_type": LotteryGrant.GRANT_TYPE, "number": "7"}
        headers = basic(client.client_id, client.client_secret)
        refusal(app.test_client().post("/oauth/token", data=data, headers=headers), 503, "server_error")
        told(caplog)


@every_database
def test_an_assertion_about_what_can_t_be_a_subject_is_not_accepted(trading: Trading) -> None:
    for subject in ("x" * 256, "a\0b"):
        assert "its sub" in trading.why(trading.assertion(sub=subject))
    for subject in NO_SUBJECT[:4] + NO_SUBJECT[5:]:
        trading.gateway.map_assertion(lambda _, subject=subject: subject)
        assert trading.why(trading.assertion()).startswith("map_assertion: A user's id is ")


@every_database
def test_a_token_for_it_can_t_be_issued_in_code(app: Flask) -> None:
    client = register(app)
    for subject in [*NO_TEXT, 5, b"alice"]:
        with pytest.raises(ValueError, match="A subject has 1 to 255 characters"):
            gateway_of(app).tokens.issue(client.client_id, subject=subject)


@every_database
def test_the_longest_subject_goes_every_way(site: Site) -> None:
    site.people["alice"] = site.people[LONGEST] = person(LONGEST)
    client = site.register()
    assert site.me(site.tokens(client)["access_token"])["subject"] == LONGEST  # type: ignore[index]
    device = register_device(site)
    begun = start(site, device)
    site.send(confirm(site, begun["user_code"]))
    assert site.me(granted(poll(site, device, begun["device_code"]))["access_token"])["subject"] == LONGEST  # type: ignore[index]
    public = site.register_public(grant_types=["implicit"])
    found = answer(site.approve(public, response_type="token"), part="fragment")
    assert site.me(found["access_token"])["subject"] == LONGEST  # type: ignore[index]


def test_numbers_and_uuids_are_subjects(site: Site) -> None:
    for subject in (7, uuid.UUID(int=7)):
        site.people["alice"] = site.people[str(subject)] = person(subject)
        assert site.me(site.tokens(site.register())["access_token"])["subject"] == str(subject)  # type: ignore[index]


# `load_user`


def raising(error: Exception) -> Callable[[str], Any]:
    def load_user(subject: str) -> Any:
        raise error

    return load_user


UNREADABLE = [
    ValueError("invalid literal for int() with base 10: 'alice'"),
    OverflowError("Python int too large to convert to SQLite INTEGER"),
    UnicodeError("no text"),
    StatementError("no such value", None, None, AttributeError("'str' object has no attribute 'hex'")),
    DataError("SELECT", None, Exception("integer out of range")),
]


def refused_as_gone(response: TestResponse) -> None:
    assert "can't find the user" in refusal(response, 400, "invalid_grant")


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: type(error).__name__)
def test_a_subject_that_load_user_can_t_read_is_nobody_s(
    make_site: MakeSite, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(OAUTH_CHECK_USER=True)
    client = site.register()
    code, tokens = site.code(client), site.tokens(client)
    device = register_device(site)
    begun = start(site, device)
    site.send(confirm(site, begun["user_code"]))
    site.gateway.load_user(raising(error))
    caplog.clear()
    refused_as_gone(site.redeem(client, code))
    refused_as_gone(site.refresh(client, tokens["refresh_token"]))
    refused_as_gone(poll(site, device, begun["device_code"]))
    assert site.me(tokens["access_token"]) is None
    lines = [record for record in caplog.records if "load_user can't read the subject 'alice'" in record.getMessage()]
    assert len(lines) == 4
    assert all(record.exc_info is None and len(record.getMessage()) < 400 for record in lines)


def test_current_token_has_no_user_whose_subject_load_user_can_t_read(site: Site) -> None:
    token = site.tokens(site.register())["access_token"]
    site.gateway.load_user(int)
    assert site.me(token)["user"] is None  # type: ignore[index]


def test_an_assertion_about_a_subject_that_load_user_can_t_read_is_not_accepted(make_trading: MakeTrading) -> None:
    trading = make_trading()
    trading.gateway.load_user(lambda subject: {7: "Alice"}.get(int(subject)))
    assert trading.why(trading.assertion(sub="9" * 255)) == f"load_user doesn't know its subject '{'9' * 60}'"


def test_a_database_of_the_app_s_that_is_away_makes_nobody_unknown(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    site.gateway.load_user(raising(OperationalError("SELECT", None, Exception("the server closed the connection"))))
    with pytest.raises(OperationalError):
        site.refresh(client, tokens["refresh_token"])
    site.gateway.load_user(site.people.get)
    assert granted(site.refresh(client, tokens["refresh_token"]))


def test_a_hook_that_is_written_wrong_stays_an_error(site: Site) -> None:
    tokens = site.tokens(site.register())
    site.gateway.load_user(raising(TypeError("load_user() takes 0 positional arguments but 1 was given")))
    with pytest.raises(TypeError):
        site.me(tokens["access_token"])


def test_explain_names_the_mistake_in_one_line(site: Site) -> None:
    client = site.register(grant_types=["password"], redirect_uris=[])
    site.gateway.check_password(lambda *_: person("x" * 256))
    line = (
        f"curl -u {client.client_id}:{client.client_secret} http://localhost/oauth/token"
        " -d grant_type=password -d username=a -d password=b"
    )
    result = site.app.test_cli_runner().invoke(args=["oauth", "explain", line])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_the_page_that_asks_is_unchanged_for_other_users(site: Site) -> None:
    assert "Weather app" in Page(site.ask(site.register())).text
