"""No secret and no token stands anywhere in clear: not in the database, the logs, the signals, the errors."""

import logging
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal
from sqlalchemy import MetaData, make_url

from flask_oauth_gateway import signals
from tests.support.app import ask, basic, bearer, register, register_public, server_of, token_for

BROUGHT = "correct horse battery staple"


def every_logger(caplog: pytest.LogCaptureFixture) -> None:
    """Let every logger say all that it has to say."""
    for name in ["", *logging.root.manager.loggerDict]:
        caplog.set_level(logging.DEBUG, logger=name)


def use_everything(app: Any) -> tuple[list[str], list[str]]:
    """Goes through every flow, well and badly; returns the secrets that were in play, and the refusals' texts."""
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    made = register(app)
    brought = register(app, client_secret=BROUGHT)
    public = register_public(app)
    renewed = gateway.clients.rotate_secret(made.client_id, overlap=60)
    tokens = [token_for(client, each)["access_token"] for each in (made, renewed, brought)]
    tokens.append(gateway.tokens.issue(public.client_id, subject="alice")["access_token"])
    secrets = [made.client_secret, renewed.client_secret, brought.client_secret]
    headers = basic(renewed.client_id, renewed.client_secret)
    refusals = []
    for secret in secrets:
        form = {"client_id": brought.client_id, "client_secret": secret + "!"}
        refusals.append(client.post("/oauth/token", data=form | {"grant_type": "client_credentials"}))
        refusals.append(client.post("/oauth/token", data=form | {"grant_type": "x"}, headers=headers))
        refusals.append(client.post(f"/oauth/token?client_secret={secret}"))
    for token in tokens:
        client.get("/weather", headers=bearer(token))
        client.get("/oauth/tokeninfo", headers=bearer(token))
        client.post("/oauth/introspect", data={"token": token}, headers=headers)
        refusals.append(client.get("/weather", headers=bearer(token + "!")))
        refusals.append(client.get(f"/oauth/tokeninfo?access_token={token}"))
        refusals.append(client.post("/oauth/revoke", data={"token": token, "client_id": made.client_id}))
        gateway.tokens.set_attributes({"plan": "gold"}, token=token)
    client.post("/oauth/revoke", data={"token": tokens[0]}, headers=headers)
    gateway.tokens.revoke(token=tokens[1])
    refusals += [client.get("/weather", headers=bearer(token)) for token in tokens[:2]]
    runner = app.test_cli_runner()
    for command in ("client list", f"client show {made.client_id}", "token list --all", "audit list"):
        refusals.append(runner.invoke(args=["oauth", *command.split()]))
        refusals.append(runner.invoke(args=["oauth", *command.split(), "--json"]))
    refusals.append(runner.invoke(args=["oauth", "token", "inspect", tokens[2]]))
    server_of(app).audit.flush()
    return secrets + tokens, [str(getattr(each, "text", "") or each.output) for each in refusals]


def test_secrets_and_tokens_are_nowhere_in_clear(
    make_app: Any, database_uri: str, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    payloads: list[str] = []

    def receive(sender: Any, **payload: Any) -> None:
        payloads.append(repr(payload))

    every = [signal for signal in vars(signals).values() if isinstance(signal, Signal)]
    for signal in every:
        signal.connect(receive)
    every_logger(caplog)
    app = make_app()
    caplog.set_level(logging.DEBUG, logger=app.name)
    secrets, answers = use_everything(app)
    places = {
        "the signals": payloads,
        "the logs": [f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records],
        "the tables": dump(app),
        "the database's file": files_of(database_uri),
        "the answers": answers,
        "standard output": list(capfd.readouterr()),
    }
    assert len(payloads) > 20
    assert len(places["the tables"]) > 15
    assert any(record.name.startswith("sqlalchemy.engine") for record in caplog.records)
    assert any(record.name.startswith("flask_oauth_gateway") for record in caplog.records)
    for place, texts in places.items():
        for text in texts:
            for secret in secrets:
                assert secret not in text, f"in clear in {place}"
    assert any(secrets[0][-4:] in text for text in places["the tables"])  # the hint: what is looked for would be found


def dump(app: Any) -> list[str]:
    """Every row of every table, as text."""
    engine = app.extensions["oauth_gateway"].database.engine
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return [str(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(table.select())]


def files_of(database_uri: str) -> list[str]:
    """What the files of an SQLite database hold, the write-ahead log too; nothing of a server's."""
    name = make_url(database_uri).database if database_uri.startswith("sqlite") else None
    if name is None:
        return []
    files = list(Path(name).parent.glob(f"{Path(name).name}*"))
    assert files
    return [path.read_bytes().decode("latin-1") for path in files]


def test_authlib_s_own_log_holds_no_token_even_from_a_grant_of_the_app_s_own(
    make_app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    every_logger(caplog)
    app = make_app(OAUTH_GRANT_TYPES=["client_credentials", "tests.support.lottery:LotteryGrant"])
    answer = ask(app.test_client(), register(app), grant_type="urn:example:lottery", number="7").get_json()
    assert answer["access_token"] not in caplog.text
