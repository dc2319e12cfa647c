"""A request may be broken off at any moment: under gevent by a timeout or a kill, elsewhere by a signal's handler."""

import json

import pytest

from tests.support.databases import EVERY_DATABASE
from tests.support.processes import finished, fresh_python, python

pytestmark = pytest.mark.parametrize(
    "database_uri",
    EVERY_DATABASE[1:],
    indirect=True,  # SQLite's statements are never broken off
)
BREAKING_OFF = """
from gevent import monkey

monkey.patch_all()

import json, sys
import gevent
from sqlalchemy import String, bindparam, cast, func, select
from flask_oauth_gateway.database.prepared import Prepared
from tests.support.app import build_app, close_app
from tests.support.stored import database_of

app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
database = database_of(app)
sleep = func.pg_sleep(5) if database.engine.dialect.name == "postgresql" else func.sleep(5)
SLOW = Prepared(select(cast(sleep, String(9)).label("slept")))
ECHO = Prepared(select(cast(bindparam("tag"), String(9)).label("tag")))

def alone():
    database.first(SLOW, {})

def in_a_transaction():
    with database.transaction() as connection:
        ECHO.execute(connection, {"tag": "in it"})
        SLOW.execute(connection, {})

def by_sqlalchemy():
    database.first(SLOW.statement, {})

def by_sqlalchemy_in_a_transaction():
    with database.transaction() as connection:
        connection.execute(SLOW.statement)

class TooSlow(Exception):
    pass

def with_a_timeout(work, way):
    try:
        with gevent.Timeout(0.3, TooSlow if way == "exception" else False):
            work()
    except TooSlow:
        pass

def found(way):
    for work in (alone, in_a_transaction, by_sqlalchemy, by_sqlalchemy_in_a_transaction):
        for _ in range(3):  # as many connections as are kept, or more
            if way != "kill":
                gevent.spawn(with_a_timeout, work, way).join()
            else:
                greenlet = gevent.spawn(work)
                gevent.sleep(0.3)
                greenlet.kill()
        yield from (database.first(ECHO, {"tag": str(number)})[0] for number in range(5))

print(json.dumps({way: list(found(way)) for way in sys.argv[2:]}))
close_app(app)
"""


def test_what_comes_after_it_gets_its_own_answer(database_uri: str) -> None:
    """Under gevent, where a greenlet is killed, or its timeout ends it, silently or by an exception."""
    ways = ("kill", "timeout", "exception")
    said = json.loads(finished(fresh_python("-W", "error", "-c", BREAKING_OFF, database_uri, *ways)))
    assert said == dict.fromkeys(ways, ["0", "1", "2", "3", "4"] * 4)


A_SIGNAL = """
import json, signal, sys
from sqlalchemy import String, bindparam, cast, func, select
from flask_oauth_gateway.database.prepared import Prepared
from tests.support.app import build_app, close_app
from tests.support.stored import database_of

app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
database = database_of(app)
sleep = func.pg_sleep(1) if database.engine.dialect.name == "postgresql" else func.sleep(1)
SLOW = Prepared(select(cast(sleep, String(9)).label("slept")))
ECHO = Prepared(select(cast(bindparam("tag"), String(9)).label("tag")))

class SoftTimeLimitExceeded(Exception):
    pass

def limit(number, frame):
    raise SoftTimeLimitExceeded

signal.signal(signal.SIGALRM, limit)
found = []
for statement in (SLOW, SLOW.statement):
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        database.first(statement, {})
    except SoftTimeLimitExceeded:
        found.append("limited")
    found += [database.first(ECHO, {"tag": str(number)})[0] for number in range(5)]
close_app(app)
print(json.dumps(found))
"""


def test_what_comes_after_a_soft_limit_gets_its_own_answer(database_uri: str) -> None:
    process = python("-W", "error", "-c", A_SIGNAL, database_uri)
    assert json.loads(finished(process)) == ["limited", "0", "1", "2", "3", "4"] * 2
