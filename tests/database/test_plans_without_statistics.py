"""PostgreSQL has no statistics of a table until its first ANALYZE: what is quick afterwards must be quick before, too."""

import os
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table, insert, text

from flask_oauth_gateway.database.tables import access_token, approval, refresh_token
from tests.support.app import server_of
from tests.support.site import MakeSite, granted
from tests.support.statements import statements_of
from tests.support.stored import clients_of, database_of

MANY = 4000  # of one client, all alive
OF_A_CLIENT = re.compile(r"ix_oauth_\w+_(?:client|subject)\b")


def fill(app: Flask, client: int) -> None:
    """Many approvals and tokens of a client, without statistics."""
    now = int(time.time())
    with database_of(app).transaction() as connection:
        for table in (approval, access_token, refresh_token):
            connection.execute(text(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)"))
        for table in (approval, access_token):
            connection.execute(insert(table), [row_of(table, number, client, now) for number in range(MANY)])


def row_of(table: Table, number: int, client: int, now: int) -> dict[str, Any]:
    common = {
        "client": client, "subject": "alice", "scope": "weather:read", "grant_type": "authorization_code",
        "expires_at": now + 1000 + number,
    }  # fmt: skip
    if table is approval:
        return {"id": os.urandom(16), "created_at": now, **common}
    return {"token_hash": os.urandom(32), "issued_at": now, **common}


def plan_of(app: Flask, statement: str, parameters: Sequence[Any]) -> str:
    with database_of(app).engine.connect() as connection:
        connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        try:
            return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
        finally:
            connection.exec_driver_sql("RESET plan_cache_mode")


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_no_request_about_one_token_reads_the_others_of_its_client_or_user(make_site: MakeSite) -> None:
    site = make_site()
    browser_app = site.register()
    forget = server_of(site.app).clients.forget
    fill(site.app, clients_of(site.app).get(browser_app.client_id).key)
    with statements_of(database_of(site.app).engine) as told:
        first = site.tokens(browser_app)
        second = granted(site.refresh(browser_app, first["refresh_token"]))
        site.me(second["access_token"])
        for path in ("/oauth/introspect", "/oauth/revoke"):
            for token in (second["access_token"], second["refresh_token"]):
                forget(browser_app.client_id)  # it is read with the token that it asks about
                assert site.post(browser_app, path, token=token).status_code == 200
    plans = {
        statement: plan_of(site.app, statement, parameters)
        for statement, parameters in told
        if re.match(r"WITH|SELECT|UPDATE", statement) and "oauth_consent" not in statement
    }
    assert any("oauth_family_pkey" in plan for statement, plan in plans.items() if statement.startswith("WITH spent"))
    assert not {statement: plan for statement, plan in plans.items() if OF_A_CLIENT.search(plan)}
