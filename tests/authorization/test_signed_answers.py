"""Answers of the authorize endpoint that are JWTs (JARM)."""

import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer
from tests.support.databases import sqlite_only
from tests.support.pushing import come, push
from tests.support.site import (
    ISSUER,
    REDIRECT_URI,
    MakeSite,
    Page,
    Site,
    answer,
    error_page,
    granted,
    location,
    query,
)

pytestmark = [sqlite_only, pytest.mark.filterwarnings("ignore:EdDSA is deprecated")]

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
LIMIT = 8192


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    site = make_site(OAUTH_JARM=True, OAUTH_ISSUER=ISSUER)
    site.gateway.approve(lambda _: True)
    return site


def opened(site: Site, client: Client, text: str, algorithm: str = "RS256") -> dict[str, Any]:
    """What a signed answer holds, checked as a client does: by the key set, its algorithm, `iss`, `aud` and `exp`."""
    keys = KeySet.import_key_set(site.app.test_client().get("/oauth/jwks").get_json())
    token = jwt.decode(text, keys, algorithms=[algorithm])
    assert token.header["kid"]
    claims = dict(token.claims)
    assert claims.pop("iss") == ISSUER
    assert claims.pop("aud") == client.client_id
    assert 0 < claims.pop("exp") - time.time() <= 600
    return claims


def signed(site: Site, client: Client, where: str, part: str = "query", algorithm: str = "RS256") -> dict[str, Any]:
    """What a client finds at its redirect URI, where nothing stands beside the JWT."""
    found = answer(where, part=part)
    assert set(found) == {"response"}
    return opened(site, client, found["response"], algorithm)


@pytest.mark.parametrize(("mode", "part"), [("jwt", "query"), ("query.jwt", "query"), ("fragment.jwt", "fragment")])
def test_a_code_comes_signed_and_is_good(site: Site, mode: str, part: str) -> None:
    client = site.register()
    found = signed(site, client, location(site.ask(client, response_mode=mode)), part)
    assert set(found) == {"code", "state"}
    assert found["state"] == "xyz"
    assert granted(site.redeem(client, found["code"]))


def test_a_code_comes_signed_in_a_form(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client, response_mode="form_post.jwt"))
    assert page.action == REDIRECT_URI
    assert [name for name, _ in page.fields] == ["response"]
    assert granted(site.redeem(client, opened(site, client, page.hidden("response"))["code"]))


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt"])
def test_errors_come_signed_too(site: Site, mode: str) -> None:
    client = site.register()
    part = "fragment" if "fragment" in mode else "query"
    for wrong, error in (({"scope": "nope"}, "invalid_scope"), ({"code_challenge": None}, "invalid_request")):
        found = signed(site, client, location(site.ask(client, response_mode=mode, **wrong)), part)
        assert found["error"] == error
        assert found["error_description"]
        assert found["state"] == "xyz"
    site.gateway.approve(lambda _: False)
    page = Page(site.ask(client, response_mode=mode))
    assert signed(site, client, location(site.send(page, decision="deny")), part)["error"] == "access_denied"


def test_before_the_redirect_uri_is_known_there_is_a_page_as_ever(site: Site) -> None:
    client = site.register()
    error_page(site.ask(client, response_mode="jwt", redirect_uri="https://evil.example/cb"), "invalid_request")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("oidc", [False, True])
def test_each_client_has_its_algorithm_whose_key_is_there_before(
    make_site: MakeSite, algorithm: str, oidc: bool
) -> None:
    site = make_site(OAUTH_JARM=True, OAUTH_ISSUER=ISSUER, OAUTH_OIDC=oidc, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    site.gateway.approve(lambda _: True)
    client = site.register(authorization_signed_response_alg=algorithm)
    before = site.app.test_client().get("/oauth/jwks").get_json()
    assert algorithm in {key["alg"] for key in before["keys"]}
    found = signed(site, client, location(site.ask(client, response_mode="jwt")), algorithm=algorithm)
    token = granted(site.redeem(client, found["code"]))["access_token"]
    assert site.is_live(token)
    assert jwt.decode(token, KeySet.import_key_set(before)).header["alg"] == "ES256", "OAUTH_SIGNING_ALGORITHM"
    assert site.app.test_client().get("/oauth/jwks").get_json() == before


def test_a_token_comes_signed_in_the_fragment_and_never_in_the_query(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    for mode in ("jwt", "fragment.jwt"):
        where = location(site.ask(client, response_type="token", response_mode=mode))
        found = signed(site, client, where, "fragment")
        assert site.is_live(found["access_token"])
        assert found["token_type"] == "Bearer"
    found = signed(
        site, client, location(site.ask(client, response_type="token", response_mode="query.jwt")), "fragment"
    )
    assert found["error"] == "invalid_request"


def test_required_every_answer_is_signed(make_site: MakeSite) -> None:
    site = make_site(OAUTH_JARM="required", OAUTH_ISSUER=ISSUER)
    site.gateway.approve(lambda _: True)
    client = site.register()
    assert signed(site, client, location(site.ask(client)))["code"]
    for mode, part in (("query", "query"), ("fragment", "fragment"), ("telepathy", "query")):
        found = signed(site, client, location(site.ask(client, response_mode=mode)), part)
        assert found["error"] == "invalid_request"
    page = Page(site.ask(client, response_mode="form_post"))
    assert opened(site, client, page.hidden("response"))["error"] == "invalid_request"
    assert modes(site) == {"jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}


def modes(site: Site) -> set[str]:
    return set(metadata(site)["response_modes_supported"])


def metadata(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.app.test_client().get("/.well-known/oauth-authorization-server").get_json()
    return found


def test_the_metadata_say_it_where_it_is_on_alone(site: Site, make_site: MakeSite) -> None:
    assert modes(site) == {"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
    assert set(metadata(site)["authorization_signing_alg_values_supported"]) == set(ALGORITHMS)
    off = make_site()
    assert modes(off) == {"query", "fragment", "form_post"}
    assert "authorization_signing_alg_values_supported" not in metadata(off)
    for mode in ("jwt", "query.jwt", "fragment.jwt", "form_post.jwt"):
        assert answer(location(off.ask(off.register(), response_mode=mode)))["error"] == "invalid_request"


@pytest.mark.parametrize("unit", ["x", "é", "\U0001f984", '"'])
@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_no_redirect_is_longer_than_8_kib(site: Site, unit: str, algorithm: str) -> None:
    client = site.register_public(authorization_signed_response_alg=algorithm)
    longest = 0
    for length in range(100, 9000, 200):
        sent = query(client, state=unit * length, response_mode="jwt")
        where = location(site.browser.post("/oauth/authorize", data=sent))
        assert len(where) <= LIMIT
        found = signed(site, client, where, algorithm=algorithm)
        if "code" in found:
            assert found["state"] == unit * length
            longest = length
        else:
            assert found["error"] == "invalid_request"
            assert "state" not in found
    assert longest * len(json.dumps(unit)) > 3000, "a third of it is the price of a JWT"


def test_a_signed_answer_is_no_token_and_no_hint(make_site: MakeSite) -> None:
    site = make_site(OAUTH_JARM=True, OAUTH_ISSUER=ISSUER, OAUTH_OIDC=True, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    site.gateway.approve(lambda _: True)
    client = site.register(scope="openid weather:read", authorization_signed_response_alg="ES256")
    text = answer(location(site.ask(client, scope="openid", response_mode="jwt")))["response"]
    assert site.app.test_client().get("/me", headers=bearer(text)).status_code == 401
    where = location(site.ask(client, scope="openid", id_token_hint=text))
    assert answer(where)["error"] == "invalid_request"


def test_it_works_with_a_pushed_request(make_site: MakeSite) -> None:
    site = make_site(OAUTH_JARM="required", OAUTH_PAR="required", OAUTH_ISSUER=ISSUER)
    site.gateway.approve(lambda _: True)
    client = site.register()
    found = signed(site, client, location(come(site, client, push(site, client, response_mode="jwt"))))
    assert granted(site.redeem(client, found["code"]))
    assert signed(site, client, location(site.ask(client, response_mode="jwt")))["error"] == "invalid_request"
