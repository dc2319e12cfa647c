"""A site with the profile `fapi2`, and the suite's first client there: by DPoP, or by its certificate."""

from typing import Any

import pytest

from tests.support.fapi import CERTIFICATE, FIRST_KEY, MTLS, SECOND, SECOND_KEY, FapiClient, fapi_site
from tests.support.site import MakeSite, Site


@pytest.fixture
def fapi(make_site: MakeSite) -> Site:
    return fapi_site(make_site)


@pytest.fixture
def first(fapi: Site) -> FapiClient:
    return FapiClient(fapi)


@pytest.fixture
def second(fapi: Site) -> FapiClient:
    return FapiClient(fapi, "second", SECOND, SECOND_KEY)


@pytest.fixture(params=["dpop", "mtls"])
def either(make_site: MakeSite, request: pytest.FixtureRequest) -> Any:
    """The first client, by private_key_jwt and DPoP, or by mutual TLS."""
    site = fapi_site(make_site, **MTLS)
    return FapiClient(site, key=FIRST_KEY, certificate=CERTIFICATE if request.param == "mtls" else None)
