"""A database as version 1 of the tables had it, with rows of every kind, and the tokens that were given for them.

`sqlite.sql`, `postgresql.sql` and `mariadb.sql` hold the same, written by the code of that version: the tables as it made
them, and a line for each row. `tokens.json` says what was handed out, and when.
"""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url

HERE = Path(__file__).parent
TOLD: dict[str, Any] = json.loads((HERE / "tokens.json").read_text())
DAY = 86400
CONFIG = {
    "OAUTH_ISSUER": "http://localhost",
    "OAUTH_ACCESS_TOKEN_LIFETIME": 30 * DAY,
    "OAUTH_REFRESH_TOKEN_LIFETIME": 30 * DAY,
    "OAUTH_RATE_LIMITS": None,
}
SECRETS = {
    "web": "a secret of the web app",
    "signed": "a secret of the other app",
    "machine": "a secret of the machine",
    "disabled": "a secret of the disabled",
}


def restore(uri: str) -> None:
    """Put it into an empty database."""
    kind = make_url(uri).get_backend_name()
    engine = create_engine(uri)
    with engine.begin() as connection:
        for statement in (HERE / f"{kind}.sql").read_text().split(";\n"):
            if statement:
                connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
