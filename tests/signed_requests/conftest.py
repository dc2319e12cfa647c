"""`make_signing`: a site where signed requests are on, and a client that signs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.request_objects import MakeSigning, Signing
from tests.support.signing import Signer
from tests.support.site import MakeSite


@pytest.fixture
def make_signing(make_site: MakeSite) -> MakeSigning:
    """Builds a site and a client. `signer` and `client` are the client's; everything else is configuration."""

    def make(signer: Signer | None = None, client: dict[str, Any] | None = None, **config: Any) -> Signing:
        return Signing(make_site(**{"OAUTH_JAR": True} | config), signer, **(client or {}))

    return make


@pytest.fixture
def signing(make_signing: Callable[..., Signing]) -> Signing:
    """The usual ones."""
    return make_signing()
