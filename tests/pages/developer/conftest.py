from collections.abc import Callable
from typing import Any

import pytest

from tests.support.developer import CONFIG, DeveloperSite


@pytest.fixture
def make_site(make_app: Callable[..., Any]) -> Callable[..., DeveloperSite]:
    return lambda **config: DeveloperSite(make_app(**CONFIG | config))


@pytest.fixture
def site(make_site: Callable[..., DeveloperSite]) -> DeveloperSite:
    return make_site()
