"""The certification's tests of Back-Channel Logout, by their names: the client is told by a real request of the server's."""

import time

import pytest

from tests.support.logout import AFTER, arrival, ask, is_silent, with_logout
from tests.support.logout_receivers import Receivers
from tests.support.relying_party import MakeParty, RelyingParty

PARAMETERS = {"post_logout_redirect_uris": [AFTER], "backchannel_logout_session_required": True}
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def party(make_party: MakeParty, receivers: Receivers) -> RelyingParty:
    return make_party({**PARAMETERS, "backchannel_logout_uri": receivers.url("suite")})


def test_oidcc_backchannel_logout_discovery_endpoint_verification(party: RelyingParty) -> None:
    document = party.site.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert document["backchannel_logout_supported"] is True
    assert document["backchannel_logout_session_supported"] is True
    assert document["end_session_endpoint"]


def test_oidcc_backchannel_rp_initiated_logout(party: RelyingParty, receivers: Receivers) -> None:
    site = with_logout(party.site)
    claims = party.sign_in(nonce="n")
    assert claims["sid"]
    assert is_silent(party)
    begun = int(time.time())
    hint = party.tokens["id_token"]
    response = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="the state")
    assert arrival(response) == {"state": ["the state"]}
    receivers.wait_for(1)
    (token,) = receivers.told["suite"]
    told = party.decode(token)
    assert (told.header["typ"], told.header["alg"]) == ("logout+jwt", "RS256")
    for name in ("iss", "aud", "sub", "sid"):
        assert told.claims[name] == claims[name]
    assert told.claims["events"] == {EVENT: {}}
    assert told.claims["jti"]
    assert begun <= told.claims["iat"] <= time.time() < told.claims["exp"] <= begun + 125
    assert "nonce" not in told.claims
    site.person = None
    assert not is_silent(party)
