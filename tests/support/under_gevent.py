"""Has every test run under gevent, whose greenlets are the threads then: `pytest -p tests.support.under_gevent`."""

from gevent import monkey

monkey.patch_all()
