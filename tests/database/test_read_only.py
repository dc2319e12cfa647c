"""A dialect that many engines share is told once what a server that takes no writes means."""

from typing import Any

from sqlalchemy import create_engine

from flask_oauth_gateway.database.servers.standbys import READ_ONLY, drop_when_read_only


class Refused(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__()
        self.sqlstate = sqlstate


def test_a_thousand_engines_of_one_dialect_can_still_tell_a_lost_connection() -> None:
    dialect: Any = create_engine("postgresql+psycopg://").dialect
    for _ in range(2000):
        drop_when_read_only(dialect)
    assert dialect.is_disconnect(Refused(READ_ONLY), None, None)
    assert not dialect.is_disconnect(Refused("23505"), None, None)
