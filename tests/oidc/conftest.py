"""A site whose users sign in to other programs, and those programs."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.support.app import MakeApp, close_app
from tests.support.certification import Suite, make_provider
from tests.support.logout_receivers import Receivers, receivers
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import GRANT_TYPES, Site


@pytest.fixture
def make_party(make_app: MakeApp) -> MakeParty:
    """Builds a site with OpenID Connect on and a program that signs its users in there; takes configuration."""

    def make_party(client: dict[str, Any] | None = None, **config: Any) -> RelyingParty:
        site = Site(make_app(**{"OAUTH_OIDC": True, "OAUTH_GRANT_TYPES": GRANT_TYPES} | config))
        return RelyingParty(site, **(client or {}))

    return make_party


@pytest.fixture
def party(make_party: MakeParty) -> RelyingParty:
    return make_party()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The provider that the certification's tests of one file share, as the suite has one."""
    app = make_provider(str(tmp_path_factory.mktemp("provider")))
    yield app
    close_app(app)


@pytest.fixture
def suite(request: pytest.FixtureRequest, provider: Flask) -> Suite:
    """A new client of the provider's, for the flow of the test's parameter."""
    return Suite(provider, request.param)


@pytest.fixture(name="receivers")
def _receivers() -> Iterator[Receivers]:
    """Programs that hear of sign-outs."""
    with receivers() as found:
        yield found
