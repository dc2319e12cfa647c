from collections.abc import Callable
from typing import Any

import pytest

from tests.support.admin import AdminSite
from tests.support.site import GRANT_TYPES


@pytest.fixture
def make_site(make_app: Callable[..., Any]) -> Callable[..., AdminSite]:
    return lambda **config: AdminSite(make_app(**{"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_ADMIN": True} | config))


@pytest.fixture
def site(make_site: Callable[..., AdminSite]) -> AdminSite:
    return make_site()
