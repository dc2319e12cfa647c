"""A program that may send its users to sign out, and alice, who signed in to it."""

import pytest

from tests.support.logout import AFTERS, with_logout
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Site


@pytest.fixture
def party(make_party: MakeParty) -> RelyingParty:
    party = make_party({"post_logout_redirect_uris": AFTERS})
    with_logout(party.site)
    party.sign_in()
    return party


@pytest.fixture
def site(party: RelyingParty) -> Site:
    return party.site


@pytest.fixture
def hint(party: RelyingParty) -> str:
    return str(party.tokens["id_token"])
