from collections.abc import Callable
from typing import Any

import pytest

from tests.support.admin import AdminSite
from tests.support.site import GRANT_TYPES


@pytest.fixture
def make_site(make_app: Callable[..., Any]) -> Callable[..., AdminSite]:
    everything = {"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_ADMIN": True, "OAUTH_OIDC": True}
    return lambda **config: AdminSite(make_app(**everything | config))


@pytest.fixture
def site(make_site: Callable[..., AdminSite]) -> AdminSite:
    return make_site()
