"""A database as older versions of the tables had it, with rows of every kind, and the tokens that were given for them.

`version_1` and `version_2` hold a `sqlite.sql`, a `postgresql.sql` and a `mariadb.sql` with the same, written by the code of that
version: the tables as it made them, and a line for each row. `tokens.json` says what was handed out, and when: that of version 1
counts for version 2 too, whose own has the tokens of a client that signs people in.
"""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, make_url

HERE = Path(__file__).parent
TOLD: dict[str, Any] = json.loads((HERE / "version_1" / "tokens.json").read_text())
PORTAL: dict[str, str] = json.loads((HERE / "version_2" / "tokens.json").read_text())["portal"]
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
    "portal": "a secret of the portal",
}


def restore(uri: str, version: int) -> None:
    """Put such a database into an empty one."""
    kind = make_url(uri).get_backend_name()
    engine = create_engine(uri)
    with engine.begin() as connection:
        for statement in (HERE / f"version_{version}" / f"{kind}.sql").read_text().split(";\n"):
            if statement:
                connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
