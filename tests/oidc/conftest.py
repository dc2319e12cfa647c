"""A site whose users sign in to other programs, and those programs."""

from typing import Any

import pytest

from tests.support.app import MakeApp
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
