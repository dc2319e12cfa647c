"""Tokens are bound to the key that the token request proves, and refresh tokens and codes to theirs (RFC 9449 sections 5, 10)."""

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.signals import refresh_token_reused
from flask_oauth_gateway.stores.registered_client import Client
from tests.support import device
from tests.support.app import basic, recorded, refusal
from tests.support.bound import ask, bound, redeem, refresh, unbound
from tests.support.databases import every_database
from tests.support.proofs import ProofKey
from tests.support.site import DEVICE_CODE, REDIRECT_URI, VERIFIER, MakeSite, Site, answer, granted, query, refused

KEY, OTHER = ProofKey(), ProofKey()
EVERY_GRANT = ["authorization_code", "refresh_token", "client_credentials", "password", "implicit", DEVICE_CODE]


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(OAUTH_DPOP=True)


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_token_is_bound_where_a_proof_comes_and_only_there(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register(grant_types=EVERY_GRANT)
    bound(site, ask(site, client, KEY, grant_type="client_credentials"), KEY)
    unbound(site, ask(site, client, None, grant_type="client_credentials"))
    tokens = bound(site, redeem(site, client, site.code(client), KEY), KEY)
    bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_proof_that_was_used_gives_no_token(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register(grant_types=["client_credentials"])
    headers = basic(client.client_id, client.client_secret) | KEY.headers()
    data = {"grant_type": "client_credentials"}
    granted(site.app.test_client().post("/oauth/token", data=data, headers=headers))
    for _ in range(2):
        again = site.app.test_client().post("/oauth/token", data=data, headers=headers)
        assert "used before" in refusal(again, 400, "invalid_dpop_proof")


def test_a_proof_of_a_request_that_is_refused_is_used_up_too(site: Site) -> None:
    client = site.register(grant_types=["client_credentials"])
    headers = basic(client.client_id, client.client_secret) | KEY.headers()
    browser = site.app.test_client()
    wrong = browser.post("/oauth/token", data={"grant_type": "client_credentials", "scope": "no"}, headers=headers)
    refusal(wrong, 400, "invalid_scope")
    refusal(
        browser.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers),
        400,
        "invalid_dpop_proof",
    )


def test_a_bad_proof_gives_no_token_and_spends_no_code(site: Site) -> None:
    client = site.register_public()
    code = site.code(client)
    bad = KEY.headers(uri="http://localhost/oauth/revoke")
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    data["client_id"] = client.client_id
    refusal(site.app.test_client().post("/oauth/token", data=data, headers=bad), 400, "invalid_dpop_proof")
    bound(site, redeem(site, client, code, KEY), KEY)


def test_a_whole_request_that_comes_again_ends_nothing(site: Site) -> None:
    client = site.register_public()
    data = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    data |= {"client_id": client.client_id, "code": site.code(client)}
    headers = KEY.headers()
    tokens = granted(site.app.test_client().post("/oauth/token", data=data, headers=headers))
    refusal(site.app.test_client().post("/oauth/token", data=data, headers=headers), 400, "invalid_dpop_proof")
    bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)


@every_database
def test_a_public_client_s_refresh_token_needs_its_key_and_is_not_spent_without(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    client = site.register_public()
    first = bound(site, redeem(site, client, site.code(client), KEY), KEY)
    with recorded(refresh_token_reused, site.app) as said:
        for _ in range(2):
            refusal(refresh(site, client, first["refresh_token"], OTHER), 400, "invalid_grant")
            refusal(refresh(site, client, first["refresh_token"], None), 400, "invalid_grant")
        second = bound(site, refresh(site, client, first["refresh_token"], KEY), KEY)
        refusal(refresh(site, client, first["refresh_token"], OTHER), 400, "invalid_grant")  # spent, and of another key
        assert not said
        bound(site, refresh(site, client, second["refresh_token"], KEY), KEY)
        refusal(refresh(site, client, first["refresh_token"], KEY), 400, "invalid_grant")
    assert len(said) == 1  # with the key it is a theft, or as good as one


@every_database
@pytest.mark.parametrize("kind", ["rotate", "preserve", "once"])
def test_a_bound_refresh_token_is_bound_whatever_becomes_of_it(make_site: MakeSite, kind: str) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKENS=kind)
    client = site.register_public()
    tokens = granted(redeem(site, client, site.code(client), KEY))
    for _ in range(2 if kind == "preserve" else 1):
        refusal(refresh(site, client, tokens["refresh_token"], None), 400, "invalid_grant")
        refusal(refresh(site, client, tokens["refresh_token"], OTHER), 400, "invalid_grant")
        bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)


@every_database
def test_a_confidential_client_may_change_its_key_at_a_refresh(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    client = site.register()
    first = bound(site, redeem(site, client, site.code(client), KEY), KEY)
    second = bound(site, refresh(site, client, first["refresh_token"], OTHER), OTHER)
    unbound(site, refresh(site, client, second["refresh_token"], None))


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_repeat_within_the_grace_is_bound_as_the_first_answer(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register_public()
    tokens = granted(redeem(site, client, site.code(client), KEY))
    first = bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)
    again = bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)
    assert again["refresh_token"] == first["refresh_token"]
    assert form == "jwt" or again["access_token"] == first["access_token"]
    refusal(refresh(site, client, tokens["refresh_token"], OTHER), 400, "invalid_grant")
    refusal(refresh(site, client, tokens["refresh_token"], None), 400, "invalid_grant")
    bound(site, refresh(site, client, first["refresh_token"], KEY), KEY)  # nothing was revoked


def test_a_repeat_with_another_key_of_a_confidential_client_gives_no_token_of_the_first(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKEN_GRACE=30)
    client = site.register()
    tokens = granted(redeem(site, client, site.code(client), KEY))
    first = granted(refresh(site, client, tokens["refresh_token"], KEY))
    refusal(refresh(site, client, tokens["refresh_token"], OTHER), 400, "invalid_grant")
    refusal(refresh(site, client, tokens["refresh_token"], None), 400, "invalid_grant")
    bound(site, refresh(site, client, first["refresh_token"], OTHER), OTHER)


@every_database
def test_a_code_is_bound_to_the_key_that_dpop_jkt_names(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    for client in (site.register(), site.register_public()):
        code = site.code(client, dpop_jkt=KEY.thumbprint)
        for key in (OTHER, None, OTHER):
            refusal(redeem(site, client, code, key), 400, "invalid_grant")
        bound(site, redeem(site, client, code, KEY), KEY)
        refusal(redeem(site, client, code, KEY), 400, "invalid_grant")


def test_a_code_that_is_bound_binds_no_confidential_client_s_refresh_token(site: Site) -> None:
    client = site.register()
    tokens = bound(site, redeem(site, client, site.code(client, dpop_jkt=KEY.thumbprint), KEY), KEY)
    bound(site, refresh(site, client, tokens["refresh_token"], OTHER), OTHER)


@pytest.mark.parametrize("thumbprint", ["x", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "é", "a" * 2000])
def test_a_malformed_dpop_jkt_is_an_invalid_request(site: Site, thumbprint: str) -> None:
    refused(site.approve(site.register(), dpop_jkt=thumbprint), "invalid_request")


def test_dpop_jkt_means_nothing_where_dpop_is_off(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    assert granted(site.redeem(client, site.code(client, dpop_jkt="x")))["token_type"] == "Bearer"


def test_a_device_s_tokens_are_bound_and_its_refresh_token_too(site: Site) -> None:
    client = site.register_public(grant_types=[DEVICE_CODE, "refresh_token"])
    code = device.approved(site, client)
    tokens = bound(site, ask(site, client, KEY, grant_type=DEVICE_CODE, device_code=code), KEY)
    refusal(refresh(site, client, tokens["refresh_token"], OTHER), 400, "invalid_grant")
    bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)


def test_a_password_s_tokens_are_bound(site: Site) -> None:
    site.gateway.check_password(lambda *_: site.people["alice"])
    client = site.register_public(grant_types=["password", "refresh_token"])
    tokens = bound(site, ask(site, client, KEY, grant_type="password", username="a", password="b"), KEY)
    refusal(refresh(site, client, tokens["refresh_token"], None), 400, "invalid_grant")


# Where a proof is asked for


def test_a_client_that_binds_all_its_tokens_gets_none_without_a_proof(site: Site) -> None:
    client = site.register(grant_types=EVERY_GRANT, dpop_bound_access_tokens=True)
    refusal(ask(site, client, None, grant_type="client_credentials"), 400, "invalid_dpop_proof")
    code = site.code(client)
    refusal(redeem(site, client, code, None), 400, "invalid_dpop_proof")
    bound(site, redeem(site, client, code, KEY), KEY)


def test_where_proofs_are_required_nobody_gets_a_token_without(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP="required")
    client = site.register(grant_types=EVERY_GRANT)
    refusal(ask(site, client, None, grant_type="client_credentials"), 400, "invalid_dpop_proof")
    bound(site, ask(site, client, KEY, grant_type="client_credentials"), KEY)


@pytest.mark.parametrize("response_type", ["token", "code token", "code id_token token", "id_token token"])
def test_no_token_that_must_be_bound_comes_from_the_authorize_endpoint(make_site: MakeSite, response_type: str) -> None:
    site = make_site(OAUTH_DPOP="required", OAUTH_OIDC=True)
    client = site.register_public(grant_types=["implicit", "authorization_code"], scope="openid weather:read")
    where = site.approve(client, response_type=response_type, nonce="n")
    assert answer(where, part="fragment")["error"] == "unauthorized_client"


def test_a_client_that_binds_its_tokens_gets_none_where_dpop_is_off_now(make_site: MakeSite) -> None:
    client = make_site(OAUTH_DPOP=True).register(grant_types=["client_credentials"], dpop_bound_access_tokens=True)
    site = make_site()
    refusal(ask(site, client, KEY, grant_type="client_credentials"), 400, "invalid_dpop_proof")


def test_where_dpop_is_off_a_proof_is_as_if_it_were_not_there(make_site: MakeSite) -> None:
    site = make_site()
    unbound(site, ask(site, site.register(grant_types=["client_credentials"]), KEY, grant_type="client_credentials"))


# A code that is bound by the proof of a pushed request


def push(site: Site, client: Client, key: ProofKey | None, **parameters: str) -> TestResponse:
    headers = basic(client.client_id, client.client_secret)
    headers |= {} if key is None else key.headers(uri="http://localhost/oauth/par")
    return site.app.test_client().post("/oauth/par", data=query(client, **parameters), headers=headers)


@pytest.mark.parametrize("parameters", [{}, {"dpop_jkt": KEY.thumbprint}])
def test_a_pushed_request_binds_the_code_to_the_key_of_its_proof(
    make_site: MakeSite, parameters: dict[str, str]
) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_PAR=True)
    client = site.register()
    pushed = push(site, client, KEY, **parameters).get_json()["request_uri"]
    code = site.code(client, request_uri=pushed)
    refusal(redeem(site, client, code, OTHER), 400, "invalid_grant")
    refusal(redeem(site, client, code, None), 400, "invalid_grant")
    bound(site, redeem(site, client, code, KEY), KEY)


def test_dpop_jkt_beside_a_proof_of_another_key_is_refused(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_PAR=True)
    client = site.register()
    refusal(push(site, client, KEY, dpop_jkt=OTHER.thumbprint), 400, "invalid_dpop_proof")
    refusal(push(site, client, KEY, dpop_jkt="x"), 400, "invalid_request")


def test_a_token_beside_a_bound_code_is_not_bound_by_it(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_OIDC=True)
    client = site.register_public(grant_types=["implicit", "authorization_code"], scope="openid weather:read")
    where = site.approve(client, response_type="code token", nonce="n", dpop_jkt=KEY.thumbprint)
    assert answer(where, part="fragment")["token_type"] == "Bearer"
