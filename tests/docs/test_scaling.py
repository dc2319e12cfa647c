"""The partitioning that docs/scaling.md shows, done on PostgreSQL as it stands there."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from flask_oauth_gateway.database.tables import access_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, bearer, is_accepted, server_of, token_for

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
postgresql_only = pytest.mark.parametrize(
    "database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def partitions(connection: Any) -> list[str]:
    found = connection.exec_driver_sql("SELECT relid::regclass::text FROM pg_partition_tree('oauth_access_token')")
    return [name for (name,) in found if name[-8:].isdigit()]


@postgresql_only
def test_a_partitioned_table_of_tokens(app: Flask, registered: Client) -> None:
    client, gateway = app.test_client(), app.extensions["oauth_gateway"]
    migration, daily = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    before = token_for(client, registered)["access_token"]
    database = server_of(app).database
    with database.transaction() as connection:
        for statement in re.split(r";\n(?=\n?[A-Z]{6})", migration):
            connection.execute(text(statement))

    assert is_accepted(client, before)
    token = token_for(client, registered)["access_token"]
    assert is_accepted(client, token)
    assert len(gateway.tokens.find(client_id=registered.client_id).tokens) == 2
    assert gateway.tokens.revoke(token=token) == 1
    assert not is_accepted(client, token)
    assert gateway.tokens.revoke(client_id=registered.client_id) == 1
    assert ask(client, registered).status_code == 200

    yesterday = time.strftime("%Y%m%d", time.gmtime(time.time() - 86400))
    start = int(time.time()) // 86400 * 86400 - 86400
    with database.engine.connect() as connection:
        old = f"oauth_access_token_{yesterday}"
        connection.exec_driver_sql(
            f"CREATE TABLE {old} PARTITION OF oauth_access_token FOR VALUES FROM ({start}) TO ({start + 86400})"
        )
        row = {
            "token_hash": b"x" * 32,
            "client": 1,
            "scope": "",
            "grant_type": "x",
            "issued_at": 1,
            "expires_at": start,
        }
        connection.execute(access_token.insert(), row)
        for statement in daily.strip().split("\n"):
            connection.execute(text(statement))
        assert old not in partitions(connection)
        assert len(partitions(connection)) == 33
    assert gateway.tokens.purge(batch=100) == 0
    assert client.get("/weather", headers=bearer("unknown")).status_code == 401
    with database.engine.connect() as connection:  # what follows finds tables as they are made
        connection.exec_driver_sql("DROP TABLE oauth_access_token")
        connection.exec_driver_sql("DROP FUNCTION oauth_add_partitions, oauth_drop_partitions")
