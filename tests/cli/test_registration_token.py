"""`flask oauth registration-token …`."""

import json

from flask import Flask

from tests.support.app import server_of
from tests.support.clock import Clock
from tests.support.command_line import FlaskOAuth


def test_the_life_of_an_initial_access_token(app: Flask, flask_oauth: FlaskOAuth, clock: Clock) -> None:
    made = json.loads(
        flask_oauth(
            *("registration-token", "create", "--uses", "2", "--expires", "30", "--owner", "alice"),
            *("--scope", "weather:read", "--json"),
        ).stdout
    )
    assert (made["uses_left"], made["owner"], made["scope"], made["status"]) == (2, "alice", "weather:read", "live")
    assert made["expires_at"] - made["created_at"] == 30 * 86400
    assert made["token"].endswith(made["hint"])
    said = flask_oauth("registration-token", "create")
    assert "(shown once)" in said.stdout
    assert "it registers any number of clients until you revoke it" in said.stderr
    listed = flask_oauth("registration-token", "list").stdout
    assert made["token"] not in listed
    one, other = (line.split() for line in listed.splitlines()[1:])
    assert one[:4] == [str(made["id"]), f"...{made['hint']}", "live", "2"]
    assert other[2:] == ["live", "any", "never"]
    clock.advance(30 * 86400)
    states = [each["status"] for each in json.loads(flask_oauth("registration-token", "list", "--json").stdout)]
    assert states == ["expired", "live"]
    number = str(made["id"])
    assert flask_oauth("registration-token", "revoke", number).stdout == f"{number} is revoked.\n"
    assert f"There is no token {number}" in flask_oauth("registration-token", "revoke", number, fails=True).stderr
    changes = [row.details["change"] for row in server_of(app).audit.page({"event": "registration_token_changed"})]
    assert sorted(changes) == ["create", "create", "revoke"]


def test_what_can_t_be_is_one_line(flask_oauth: FlaskOAuth) -> None:
    for options, why in (
        (("--scope", "nope"), "names 'nope', which is not in OAUTH_SCOPES"),
        (("--uses", "0"), "0 is not in the range"),
        (("--expires", "9999"), "9999 is not in the range"),
        (("--owner", "a\nb"), "owner is a subject"),
    ):
        assert why in flask_oauth("registration-token", "create", *options, fails=True).stderr
