"""Tokens are bound to the certificate that a token request shows, where its client is registered so (RFC 8705 section 3)."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support import device
from tests.support.app import basic, bearer, gateway_of, refusal, server_of
from tests.support.certificates import Ca, Held, self_signed
from tests.support.databases import every_database
from tests.support.proofs import ProofKey
from tests.support.site import DEVICE_CODE, REDIRECT_URI, VERIFIER, MakeSite, Site, granted

CA = Ca()
OWN, OTHER = CA.client("station"), CA.client("station")
MTLS: dict[str, Any] = {
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "nginx",
    "OAUTH_MTLS_CA": [CA.pem],
    "OAUTH_CLIENT_AUTH_METHODS": [
        "client_secret_basic",
        "none",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
    ],
}
BOUND = {"tls_client_certificate_bound_access_tokens": True}
BY_CA = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=station"}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**MTLS)


def shown(held: Held | None) -> dict[str, str]:
    return {} if held is None else {"X-SSL-Client-Cert": held.escaped}


def ask(site: Site, client: Client, held: Held | None, headers: Any = (), **data: Any) -> TestResponse:
    """A token request that shows a certificate, or none."""
    own = basic(client.client_id, client.client_secret) if client.client_secret else {}
    data |= {} if own else {"client_id": client.client_id}
    return site.app.test_client().post("/oauth/token", data=data, headers={**own, **shown(held), **dict(headers)})


def redeem(site: Site, client: Client, held: Held | None, code: str | None = None) -> TestResponse:
    return ask(
        site, client, held,
        grant_type="authorization_code", code=code or site.code(client), redirect_uri=REDIRECT_URI, code_verifier=VERIFIER,
    )  # fmt: skip


def refresh(site: Site, client: Client, held: Held | None, token: str) -> TestResponse:
    return ask(site, client, held, grant_type="refresh_token", refresh_token=token)


def confirmation(site: Site, token: str) -> Any:
    with site.app.test_request_context():
        return server_of(site.app).own_tokens.read(token).details.get("cnf")


def view(site: Site, token: str, held: Held | None, scheme: str = "Bearer") -> TestResponse:
    headers = {"Authorization": f"{scheme} {token}", **shown(held)}
    return site.app.test_client().get("/me", headers=headers)


def is_bound(site: Site, response: TestResponse, held: Held) -> dict[str, Any]:
    """A token response whose access token is taken with this certificate alone."""
    found = granted(response)
    assert found["token_type"] == "Bearer"
    assert confirmation(site, found["access_token"]) == {"x5t#S256": held.thumbprint}
    assert view(site, found["access_token"], held).status_code == 200
    for other, scheme in ((None, "Bearer"), (self_signed(), "Bearer"), (held, "DPoP")):
        refused = view(site, found["access_token"], other, scheme)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    return found


def is_unbound(site: Site, response: TestResponse) -> dict[str, Any]:
    found = granted(response)
    assert confirmation(site, found["access_token"]) is None
    assert view(site, found["access_token"], None).status_code == 200
    return found


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_client_that_is_registered_so_gets_bound_tokens_however_it_authenticates(
    make_site: MakeSite, form: str
) -> None:
    site = make_site(**MTLS, OAUTH_ACCESS_TOKEN_FORMAT=form)
    grants = ["client_credentials", "authorization_code", "refresh_token"]
    for method in (BY_CA, {}):
        client = site.register(grant_types=grants, **BOUND, **method)
        is_bound(site, ask(site, client, OWN, grant_type="client_credentials"), OWN)
        tokens = is_bound(site, redeem(site, client, OWN), OWN)
        # It has proved who it is, so it may come with a renewed certificate.
        tokens = is_bound(site, refresh(site, client, OTHER, tokens["refresh_token"]), OTHER)
        is_bound(site, refresh(site, client, OWN, tokens["refresh_token"]), OWN)


def test_one_that_is_not_gets_tokens_for_whoever_has_them(site: Site) -> None:
    for metadata in (BY_CA, {}):
        client = site.register(grant_types=["client_credentials"], **metadata)
        is_unbound(site, ask(site, client, OWN, grant_type="client_credentials"))


@every_database
def test_a_public_client_s_refresh_token_is_bound_too(site: Site) -> None:
    client = site.register_public(**BOUND)
    tokens = is_bound(site, redeem(site, client, OWN), OWN)
    assert "certificate" in refusal(refresh(site, client, None, tokens["refresh_token"]), 400, "invalid_request")
    refusal(refresh(site, client, OTHER, tokens["refresh_token"]), 400, "invalid_grant")
    is_bound(site, refresh(site, client, OWN, tokens["refresh_token"]), OWN)  # which the others have not spent


@every_database
def test_who_shows_the_certificate_of_a_refresh_token_may_use_it_also_when_access_tokens_are_bound_no_more(
    site: Site,
) -> None:
    client = site.register_public(**BOUND)
    tokens = is_bound(site, redeem(site, client, OWN), OWN)
    gateway_of(site.app).clients.update(client.client_id, tls_client_certificate_bound_access_tokens=False)
    for held in (None, OTHER):
        refusal(refresh(site, client, held, tokens["refresh_token"]), 400, "invalid_grant")
    tokens = is_unbound(site, refresh(site, client, OWN, tokens["refresh_token"]))
    refusal(refresh(site, client, OTHER, tokens["refresh_token"]), 400, "invalid_grant")


def test_without_a_certificate_such_a_client_hears_what_is_missing_and_spends_nothing(site: Site) -> None:
    client = site.register_public(**BOUND)
    code = site.code(client)
    assert "certificate" in refusal(redeem(site, client, None, code), 400, "invalid_request")
    is_bound(site, redeem(site, client, OWN, code), OWN)
    confidential = site.register(grant_types=["client_credentials"], **BOUND)
    refusal(ask(site, confidential, None, grant_type="client_credentials"), 400, "invalid_request")
    stranger = site.app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={**basic(confidential.client_id, confidential.client_secret), **shown(OWN)},
        environ_base={"REMOTE_ADDR": "203.0.113.9"},
    )
    refusal(stranger, 400, "invalid_request")


def test_a_device_s_tokens_are_bound(site: Site) -> None:
    client = device.register(site, **BOUND)
    code = device.approved(site, client)
    tokens = is_bound(site, ask(site, client, OWN, grant_type=DEVICE_CODE, device_code=code), OWN)
    refusal(refresh(site, client, OTHER, tokens["refresh_token"]), 400, "invalid_grant")
    is_bound(site, refresh(site, client, OWN, tokens["refresh_token"]), OWN)


def test_a_token_may_be_bound_to_a_key_and_to_a_certificate(make_site: MakeSite) -> None:
    site, key = make_site(**MTLS, OAUTH_DPOP=True), ProofKey()
    client = site.register(grant_types=["client_credentials"], **BOUND, **BY_CA)
    found = granted(ask(site, client, OWN, key.headers(), grant_type="client_credentials"))
    assert found["token_type"] == "DPoP"
    assert confirmation(site, found["access_token"]) == {"jkt": key.thumbprint, "x5t#S256": OWN.thumbprint}
    token = found["access_token"]
    for held, is_taken in ((OWN, True), (OTHER, False), (None, False)):
        headers = key.with_token(token, uri="http://localhost/me") | shown(held)
        assert (site.app.test_client().get("/me", headers=headers).status_code == 200) is is_taken
    assert view(site, token, OWN).status_code == 401


def test_where_every_token_is_bound_a_certificate_does_also_for_clients_that_say_nothing_of_it(
    make_site: MakeSite,
) -> None:
    site = make_site(**MTLS, OAUTH_DPOP="required")
    client = site.register(grant_types=["client_credentials"], **BY_CA)
    is_bound(site, ask(site, client, OWN, grant_type="client_credentials"), OWN)
    secret = site.register(grant_types=["client_credentials"])
    is_bound(site, ask(site, secret, OWN, grant_type="client_credentials"), OWN)
    refusal(ask(site, secret, None, grant_type="client_credentials"), 400, "invalid_dpop_proof")
    key = ProofKey()
    found = granted(ask(site, client, OWN, key.headers(), grant_type="client_credentials"))
    assert confirmation(site, found["access_token"]) == {"jkt": key.thumbprint}


def test_where_mutual_tls_is_off_such_a_client_gets_no_token_that_anybody_could_use(make_site: MakeSite) -> None:
    for config in ({}, {"OAUTH_DPOP": True}):
        site = make_site(**config)
        client = site.register(grant_types=["client_credentials"], **BOUND)
        refusal(ask(site, client, OWN, grant_type="client_credentials"), 400, "invalid_request")


def test_introspection_and_tokeninfo_say_to_which_certificate(site: Site) -> None:
    client = site.register(grant_types=["client_credentials"], resource_server=True, **BOUND)
    token = granted(ask(site, client, OWN, grant_type="client_credentials"))["access_token"]
    asked = site.app.test_client().post(
        "/oauth/introspect", data={"token": token}, headers=basic(client.client_id, client.client_secret)
    )
    assert asked.get_json()["cnf"] == {"x5t#S256": OWN.thumbprint}
    for held, status in ((OWN, 200), (OTHER, 400), (None, 400)):
        told = site.app.test_client().get("/oauth/tokeninfo", headers={**bearer(token), **shown(held)})
        assert (told.status_code == 200) is (status == 200)


def test_the_profile_of_banks_takes_a_certificate_as_authentication_and_as_binding(make_site: MakeSite) -> None:
    methods = ["tls_client_auth", "self_signed_tls_client_auth"]
    grants = ["authorization_code", "client_credentials", "refresh_token"]
    profile = {"OAUTH_PROFILE": "fapi2", "OAUTH_CLIENT_AUTH_METHODS": methods, "OAUTH_GRANT_TYPES": grants}
    site = make_site(**MTLS | profile)
    for metadata in (BY_CA, BY_CA | BOUND):
        client = site.register(grant_types=["client_credentials"], **metadata)
        is_bound(site, ask(site, client, OWN, grant_type="client_credentials"), OWN)
        refusal(ask(site, client, None, grant_type="client_credentials"), 401, "invalid_client")
