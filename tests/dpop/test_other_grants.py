"""The app's own grants, written for Authlib, bind their tokens as ours do."""

from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin

from tests.support.app import basic, refusal
from tests.support.bound import ask, bound, unbound
from tests.support.proofs import ProofKey
from tests.support.site import MakeSite

KEY = ProofKey()
GRANT_TYPE = "urn:example:dice"


class DiceGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Gives a token to whoever asks."""

    GRANT_TYPE = GRANT_TYPE
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()

    def create_token_response(self) -> tuple[int, Any, list[tuple[str, str]]]:
        token = self.generate_token(scope="weather:read", include_refresh_token=False)
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER


def test_a_grant_of_the_app_s_own_binds_its_tokens(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_GRANT_TYPES=["authorization_code", f"{__name__}:DiceGrant"])
    client = site.register(grant_types=[GRANT_TYPE])
    bound(site, ask(site, client, KEY, grant_type=GRANT_TYPE), KEY)
    unbound(site, ask(site, client, None, grant_type=GRANT_TYPE))
    headers, data = basic(client.client_id, client.client_secret) | KEY.headers(), {"grant_type": GRANT_TYPE}
    send = site.app.test_client().post
    assert send("/oauth/token", data=data, headers=headers).status_code == 200
    refusal(send("/oauth/token", data=data, headers=headers), 400, "invalid_dpop_proof")


def test_where_proofs_are_required_it_gives_no_token_without(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP="required", OAUTH_GRANT_TYPES=["authorization_code", f"{__name__}:DiceGrant"])
    client = site.register(grant_types=[GRANT_TYPE])
    refusal(ask(site, client, None, grant_type=GRANT_TYPE), 400, "invalid_dpop_proof")
    bound(site, ask(site, client, KEY, grant_type=GRANT_TYPE), KEY)


class TrustingGrant(DiceGrant):
    """Knows its client without Authlib's authentication."""

    GRANT_TYPE = "urn:example:trusting"

    def validate_token_request(self) -> None:
        self.request.client = self.server.query_client(self.request.form["client_id"])


def test_a_grant_that_authenticates_in_its_own_way_binds_its_tokens_too(make_site: MakeSite) -> None:
    grants = ["authorization_code", f"{__name__}:TrustingGrant"]
    site = make_site(OAUTH_DPOP="required", OAUTH_GRANT_TYPES=grants)
    client = site.register_public(grant_types=[TrustingGrant.GRANT_TYPE])
    refusal(ask(site, client, None, grant_type=TrustingGrant.GRANT_TYPE), 400, "invalid_dpop_proof")
    bound(site, ask(site, client, KEY, grant_type=TrustingGrant.GRANT_TYPE), KEY)
