"""Under gevent a request may be broken off at any moment, by `gevent.Timeout` or by whoever kills its greenlet."""

import json

import pytest

from tests.support.databases import EVERY_DATABASE
from tests.support.processes import finished, fresh_python

pytestmark = [
    pytest.mark.parametrize("way", ["kill", "timeout"]),
    pytest.mark.parametrize(
        "database_uri", EVERY_DATABASE[1:], indirect=True
    ),  # SQLite's statements are never broken off
]
BREAKING_OFF = """
from gevent import monkey

monkey.patch_all()

import json, sys
import gevent
from sqlalchemy import String, bindparam, cast, func, select
from flask_oauth_gateway.database.prepared import Prepared
from tests.support.app import build_app, close_app
from tests.support.stored import database_of

uri, way = sys.argv[1:]
app = build_app(OAUTH_DATABASE_URI=uri)
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

def with_a_timeout(work):
    with gevent.Timeout(0.3, False):
        work()

found = []
for work in (alone, in_a_transaction):
    for _ in range(3):  # as many connections as are kept, or more
        if way == "timeout":
            gevent.spawn(with_a_timeout, work).join()
        else:
            greenlet = gevent.spawn(work)
            gevent.sleep(0.3)
            greenlet.kill()
    found += [database.first(ECHO, {"tag": str(number)})[0] for number in range(5)]
close_app(app)
print(json.dumps(found))
"""


def test_what_comes_after_it_gets_its_own_answer(database_uri: str, way: str) -> None:
    process = fresh_python("-W", "error", "-c", BREAKING_OFF, database_uri, way)
    assert json.loads(finished(process)) == ["0", "1", "2", "3", "4"] * 2
