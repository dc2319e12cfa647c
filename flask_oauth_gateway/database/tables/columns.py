"""The types of the columns, and the options of every table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BINARY, JSON, BigInteger, Integer, LargeBinary, MetaData, String

metadata = MetaData()

Key = BigInteger().with_variant(Integer, "sqlite")
Hash = LargeBinary(32).with_variant(BINARY(32), "mysql", "mariadb")
ApprovalKey = LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb")
Object = JSON(none_as_null=True)
Subject = String(255)
Sid = String(64)  # of a session, as ID tokens say it: 256 random bits in base64url
# With these collations, names differ by case, by accents and, on a mariadb:// URL, by spaces at the end; otherwise
# MariaDB takes "alice" and "Alice" for one subject. A mysql:// URL reads only the mysql_ options, and MySQL has no
# nopad_bin.
OPTIONS: Any = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}
NEVER_REUSE_IDS: Any = {"sqlite_autoincrement": True}  # a new client must not inherit the tokens of a deleted one
