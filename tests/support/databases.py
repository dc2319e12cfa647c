"""Empty databases for tests.

Each worker has one database of its own on each server, made when it is first needed and dropped at the end.
Before each test it is emptied. Making the tables and looking through them takes longer than most tests, so they are kept for
those that are about something else. Connections that the test before left open may hold
locks that the emptying would wait for, so they are ended first; a lock that is held even then is an error
after `LOCK_TIMEOUT`, not a suite that hangs.
"""

from contextlib import closing, suppress
from typing import Protocol

import pytest
from pymysql.constants import CLIENT
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from flask_oauth_gateway.database.tables import metadata, schema

LOCK_TIMEOUT = 10
EVERY_DATABASE = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]
#: For a test about what is stored, in a folder that isn't.
every_database = pytest.mark.parametrize("database_uri", EVERY_DATABASE, indirect=True)
#: For a test in which the database has no part, in a folder that is about what is stored.
sqlite_only = pytest.mark.parametrize("database_uri", ["sqlite"], indirect=True)
EMPTIED = [table.name for table in reversed(metadata.sorted_tables) if table is not schema]


class ServerDatabase(Protocol):
    """One worker's database on one server."""

    uri: str

    def empty(self, *, keep_tables: bool) -> None: ...

    def remove(self) -> None: ...


class PostgreSQLDatabase:
    def __init__(self, server_url: str, name: str) -> None:
        self._name = name
        self._server = _engine(server_url)
        with self._server.connect() as connection:
            # A run that was killed leaves its databases, and another may get its number.
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
            # nobody needs the data of a test after a power cut
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        self.uri = _sibling(server_url, name)
        self._own = _engine(self.uri, options=f"-c lock_timeout={LOCK_TIMEOUT}s")

    def empty(self, *, keep_tables: bool) -> None:
        with self._own.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            names = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
            if keep_tables and names == metadata.tables.keys():
                connection.exec_driver_sql(";".join(f"DELETE FROM {name}" for name in EMPTIED))  # noqa: S608, our own names
                return
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))

    def remove(self) -> None:
        self._own.dispose()
        with self._server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {self._name} WITH (FORCE)"))
        self._server.dispose()


class MariaDBDatabase:
    def __init__(self, server_url: str, name: str) -> None:
        self._name = name
        # The connection stays on the server's own database: everybody who uses `name` is somebody else.
        self._server = _engine(
            server_url,
            init_command=f"SET SESSION lock_wait_timeout={LOCK_TIMEOUT}",
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        self.uri = _sibling(server_url, name)
        self._create()

    def empty(self, *, keep_tables: bool) -> None:
        with self._server.connect() as connection:
            self._end_connections(connection)
            tables = text("SELECT table_name FROM information_schema.tables WHERE table_schema = :name")
            names = set(connection.scalars(tables, {"name": self._name}))
            if keep_tables and names == metadata.tables.keys():
                deleting = [f"DELETE FROM {self._name}.{name}" for name in EMPTIED]  # noqa: S608, our own names
                with closing(connection.connection.cursor()) as cursor:
                    # One round trip; in a transaction the disk is waited for once.
                    cursor.execute(";".join(("START TRANSACTION", *deleting, "COMMIT")))
                    while cursor.nextset():  # raises what one of them has failed with
                        pass
                return
        # Dropping the database and making it anew is as fast here as dropping its tables.
        self._drop()
        self._create()

    def remove(self) -> None:
        self._drop()
        self._server.dispose()

    def _create(self) -> None:
        with self._server.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {self._name}"))
            connection.execute(text(f"CREATE DATABASE {self._name} CHARACTER SET utf8mb4"))

    def _drop(self) -> None:
        with self._server.connect() as connection:
            self._end_connections(connection)
            connection.execute(text(f"DROP DATABASE {self._name}"))

    def _end_connections(self, connection: Connection) -> None:
        others = text("SELECT id FROM information_schema.processlist WHERE db = :name")
        for number in connection.scalars(others, {"name": self._name}).all():
            with suppress(OperationalError):  # it may have gone by itself
                connection.execute(text(f"KILL {number}"))


DATABASES = {"postgresql": PostgreSQLDatabase, "mariadb": MariaDBDatabase}


def _engine(url: str, **connect_args: object) -> Engine:
    # pool_pre_ping: a test may restart the server or end every connection
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, pool_size=1, connect_args=connect_args)


def _sibling(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
