"""No request reads a whole table: the plan of every statement that requests run, as each database tells it.

The statements are not listed here: they are caught while requests are made.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask
from sqlalchemy import Engine, Integer, LargeBinary, Table

from flask_oauth_gateway.database.purge import EXPIRING, oldest_expired
from flask_oauth_gateway.database.tables import application, audit, client, metadata
from flask_oauth_gateway.stores.figures import trail
from flask_oauth_gateway.stores.figures.clients import names_of, usage_of
from tests.support.device import decide, poll, start
from tests.support.signing import Signer, claims_of
from tests.support.site import BOTH, DEVICE_CODE, GRANT_TYPES, Site, granted
from tests.support.statements import statements_of
from tests.support.stored import audit_of, database_of, register, tokens_of
from tests.support.trading import CLIENT_ASSERTION, GRANT, IDP

Caught = dict[str, Any]
ROWS, EXPIRED = 700, 100


@contextmanager
def caught(engine: Engine) -> Iterator[Caught]:
    """The text of every statement that runs, with the parameters of its first run."""
    found: Caught = {}
    with statements_of(engine) as told:
        yield found
    for statement, parameters in told:
        found.setdefault(statement, parameters)


def fill(app: Flask, short_lived: tuple[str, ...] = ()) -> None:
    """Enough rows that an index is worth it: some have expired, of the `short_lived` ones all but a few."""
    with database_of(app).transaction() as connection:
        for table in (*EXPIRING, client, metadata.tables["oauth_consent"], metadata.tables["oauth_client_secret"]):
            connection.execute(table.insert(), rows_for(table, ROWS - 20 if table.name in short_lived else EXPIRED))
    with database_of(app).engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            analyze = "ANALYZE TABLE" if connection.dialect.name in ("mysql", "mariadb") else "ANALYZE"
            for name in metadata.tables:
                connection.exec_driver_sql(f"{analyze} {name}").close()


@cache
def rows_for(table: Table, expired: int) -> list[dict[str, Any]]:
    """The same for every database: making them takes longer than storing them."""
    now = int(time.time())
    return [row_for(table, number, now, expired) for number in range(ROWS)]


def row_for(table: Table, number: int, now: int, expired: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        size = getattr(column.type, "length", None)
        if column.name in ("expires_at", "give_up_at", "issued_at"):
            row[column.name] = now - number - 10 - EXPIRING.get(table, 0) if number < expired else now + number
        elif column.name == "id" and not isinstance(column.type, LargeBinary):
            row["id"] = 1000 + number
        elif column.name == "client":
            row["client"] = 1000 + number
        elif isinstance(column.type, LargeBinary):
            row[column.name] = os.urandom(size or 32)
        elif column.nullable:
            row[column.name] = f"subject {number}" if column.name == "subject" else None
        elif column.type.python_type is str:
            row[column.name] = f"{number}"
        elif column.type.python_type is bool:
            row[column.name] = True
        elif isinstance(column.type, Integer):
            row[column.name] = number
        else:
            row[column.name] = {}
    return row


def every_request(site: Site) -> None:
    """The flows, once through, and what a program asks about tokens."""
    browser_app = site.register()
    answer = site.tokens(browser_app)
    refreshed = site.refresh(browser_app, answer["refresh_token"]).get_json()
    site.refresh(browser_app, answer["refresh_token"])  # reuse: its family ends
    again = site.tokens(browser_app)
    for path in ("/oauth/introspect", "/oauth/revoke"):
        for token in (refreshed["access_token"], again["refresh_token"], again["access_token"], "unknown"):
            assert site.post(browser_app, path, token=token).status_code == 200
    site.app.test_client().post("/oauth/tokeninfo", data={"access_token": refreshed["access_token"]})
    site.me(refreshed["access_token"])
    site.browser.get("/oauth/applications")
    device = site.register(grant_types=[DEVICE_CODE, "refresh_token"])
    started = site.post(device, "/oauth/device_authorization").get_json()
    site.browser.get("/oauth/device", query_string={"user_code": started["user_code"]})
    site.token(device, DEVICE_CODE, device_code=started["device_code"])
    answered = start(site, device)
    decide(site, answered["user_code"])
    granted(poll(site, device, answered["device_code"]))
    machine = register(site.app)
    token = site.token(machine, "client_credentials").get_json()["access_token"]
    tokens = tokens_of(site.app)
    for criteria in ({}, {"client_id": machine.client_id}, {"subject": "alice"}):
        for live in (True, False):
            page = tokens.find(**criteria, live=live, limit=1)  # type: ignore[arg-type]
            tokens.find(**criteria, live=live, limit=1, after=page.next)  # type: ignore[arg-type]
    found = tokens.get(token=token)
    assert found is not None
    tokens.set_attributes({"plan": "gold"}, token_id=found.token_id)
    tokens.revoke(token=token)
    tokens.revoke(client_id=machine.client_id, subject="alice")
    tokens.revoke(subject="alice")
    site.gateway.clients.update(machine.client_id, client_name="Renamed")
    site.gateway.clients.rotate_secret(machine.client_id)
    site.gateway.clients.delete(machine.client_id)


def every_other_request(site: Site, signer: Signer) -> None:
    """Passwords, implicit, assertions, and tokens that aren't stored: their keys and the marks that revoke them."""
    site.gateway.check_password(lambda username, password: site.people.get(username) if password == username else None)
    old = site.register(grant_types=["password", "refresh_token"], access_token_format="jwt")
    answer = granted(site.token(old, "password", username="alice", password="alice"))
    assert site.is_live(answer["access_token"])
    site.refresh(old, answer["refresh_token"])
    in_browser = site.register_public(grant_types=["implicit"], access_token_format="jwt")
    assert "access_token=" in site.approve(in_browser, response_type="token")
    site.gateway.clients.create(client_id="partner", grant_types=["jwt_bearer"], scope=BOTH)
    assertion = {"grant_type": GRANT, "assertion": signer.sign(claims_of(IDP))}
    for status in (200, 400):  # the second time it is spent
        assert site.app.test_client().post("/oauth/token", data=assertion).status_code == status
    signing = site.register(
        grant_types=["client_credentials"], token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks()
    )
    claims = claims_of(signing.client_id, sub=signing.client_id)
    proof = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": signer.sign(claims)}
    for status in (200, 401):
        sent = {"grant_type": "client_credentials", **proof}
        assert site.app.test_client().post("/oauth/token", data=sent).status_code == status
    assert site.post(old, "/oauth/revoke", token=answer["access_token"]).status_code == 200
    assert not site.is_live(answer["access_token"])
    assert site.app.test_client().get("/oauth/jwks").status_code == 200


def test_no_statement_of_a_request_reads_a_whole_table(make_site: Callable[..., Site]) -> None:
    signer = Signer()
    site = make_site(
        OAUTH_GRANT_TYPES=[*GRANT_TYPES, "jwt_bearer"],
        OAUTH_JWT_ISSUERS={IDP: {"jwks": signer.jwks(), "client_id": "partner"}},
    )
    with site.app.app_context():
        fill(site.app, short_lived=("oauth_code", "oauth_device_code"))
        with caught(database_of(site.app).engine) as statements:
            every_request(site)
            every_other_request(site, signer)
        assert len(statements) > 40, "the listener hears too little"
        whole = re.compile(r"FROM oauth_(key|epoch\s*$|mark\s+WHERE oauth_mark.expires_at >)")
        few = [each for each in statements if whole.search(each)]
        assert len(few) == 3, "keys are a handful, epochs 256 at most; a process reads all marks once, when it begins"
        assert not scans_among(site.app, {each: statements[each] for each in statements if each not in few})


def test_no_statement_about_a_session_reads_a_whole_table(make_site: Callable[..., Site]) -> None:
    site = make_site(OAUTH_OIDC=True)
    with site.app.app_context():
        client = site.register(scope="openid", backchannel_logout_uri="https://app.example/out")
        granted(site.redeem(client, site.code(client, scope="openid")))
        fill(site.app, short_lived=("oauth_code", "oauth_device_code"))
        sessions = site.gateway.sessions
        with caught(database_of(site.app).engine) as statements:
            granted(site.redeem(client, site.code(client, scope="openid")))
            site.code(client, scope="openid")
            for criteria in ({}, {"client_id": client.client_id}, {"subject": "alice"}, {"subject": "subject 7"}):
                page = sessions.find(**criteria, limit=1)
                sessions.find(**criteria, limit=1, after=page.next)
            assert sessions.end(sid="no such", subject="alice") == 0
            assert sessions.end(subject="alice") == 1
        ours = {
            each: found for each, found in statements.items() if re.search("oauth_(session|family|code|logout)", each)
        }
        assert len(ours) > 8
        assert not scans_among(site.app, ours)


def test_no_statement_of_a_purge_reads_a_whole_table(make_site: Callable[..., Site]) -> None:
    site = make_site()
    with site.app.app_context():
        fill(site.app)
        with caught(database_of(site.app).engine) as statements:
            assert tokens_of(site.app).purge(batch=20) >= EXPIRED * len(EXPIRING)
        assert len(statements) >= 2 * len(EXPIRING)
        assert not scans_among(site.app, statements)


def test_no_application_s_change_and_no_search_of_the_audit_trail_reads_a_whole_table(
    make_site: Callable[..., Site],
) -> None:
    site = make_site()
    with site.app.app_context():
        fill(site.app)
        applications, clients = site.gateway.applications, site.gateway.clients
        with database_of(site.app).transaction() as connection:
            connection.execute(application.insert(), [row_for(application, number, 0, 0) for number in range(ROWS)])
        with caught(database_of(site.app).engine) as statements:
            mine = applications.create("Mine").application_id
            one = clients.create(application=mine)
            clients.update(one.client_id, application=None)
            clients.update(one.client_id, application=mine, enabled=False)
            applications.revoke(mine)
            applications.approve(mine)
            applications.update(mine, name="Ours")
            assert clients.find(application=mine).clients == clients.list(mine)
            assert applications.find().applications
            applications.delete(mine, with_clients=True)
        with database_of(site.app).transaction() as connection:
            connection.execute(audit.insert(), [row_for(audit, number, 0, 0) for number in range(ROWS)])
        with caught(database_of(site.app).engine) as searches:
            for filters in ({"client_id": "nobody"}, {"subject": "subject 7"}):
                audit_of(site.app).page(filters)
            audit_of(site.app).counts_by_hour(ROWS - 5, ["0"])
            # What the administrator's first look asks.
            database = database_of(site.app)
            trail.counts_between(database, ROWS - 5, ROWS, {"odd": ["1", "3"], "even": ["0"]})
            trail.newest_refusals(database, ROWS - 5, ["0", "1"])
            trail.most_active(database, ROWS - 5, ["0", "1"], 5)
            assert oldest_expired(database) is not None
            assert names_of(database, ["nobody", "7"]) == {}
            assert usage_of(database, one).tokens == 0
        assert len(statements) > 20, "the listener hears too little"
        assert len(searches) >= 11
        assert not scans_among(site.app, statements | searches)


def scans_among(app: Flask, statements: Caught) -> dict[str, list[str]]:
    """The statements that read a whole table, each with the steps of its plan that do."""
    engine = database_of(app).engine
    asked = [statement for statement in statements if statement.split()[0] in ("SELECT", "UPDATE", "DELETE")]
    asked += [statement for statement in statements if statement.startswith("INSERT") and "SELECT" in statement]
    return {statement: found for statement in asked if (found := scanned(engine, statement, statements))}


def scanned(engine: Engine, statement: str, caught: Caught) -> list[str]:
    """The steps of a statement's plan that read a whole table."""
    kind = {"sqlite": on_sqlite, "postgresql": on_postgresql}.get(engine.dialect.name, on_mariadb)
    with engine.connect() as connection:
        return kind(connection, statement, caught[statement])


def on_sqlite(connection: Any, statement: str, parameters: Any) -> list[str]:
    plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    # In the order of an index, up to a LIMIT, is no scan of the table.
    return [
        step
        for step in plan
        if step.startswith("SCAN")
        and step not in ("SCAN CONSTANT ROW", "SCAN anon_1")  # the latter is what a subquery found
        and not (" USING " in step and "LIMIT" in statement)
    ]


def on_postgresql(connection: Any, statement: str, parameters: Any) -> list[str]:
    connection.exec_driver_sql("SET enable_seqscan = off")
    try:
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]
    finally:
        connection.exec_driver_sql("RESET enable_seqscan")
    return [step for step in plan if "Seq Scan" in step]


def on_mariadb(connection: Any, statement: str, parameters: Any) -> list[str]:
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings().all()
    whole = {"ALL"} if "LIMIT" in statement else {"ALL", "index"}
    of_tables = (row for row in rows if not str(row["table"]).startswith(("<union", "<derived")))  # what was found
    return [str(dict(row)) for row in of_tables if row["type"] in whole]


def test_the_plan_of_a_scan_is_seen(make_site: Callable[..., Site]) -> None:
    """So that the test above can fail."""
    site = make_site()
    with site.app.app_context():
        fill(site.app)
        engine = database_of(site.app).engine
        scan = "SELECT token_hash FROM oauth_access_token WHERE scope = 'x'"
        assert scanned(engine, scan, {scan: ()})
        by_key = "SELECT scope FROM oauth_access_token WHERE expires_at = 5"
        assert not scanned(engine, by_key, {by_key: ()})
