from collections.abc import Callable

import pytest
from flask import Flask

from tests.support.management import Api


@pytest.fixture
def api(make_app: Callable[..., Flask]) -> Api:
    return Api(make_app(OAUTH_ADMIN=True, OAUTH_RATE_LIMITS=None))
