"""Step-up where tokens are taken (RFC 9470 sections 3 and 6): views, paths, introspection, and what a token says for how long."""

import time
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import bearer, register
from tests.support.signing import Signer, claims_of
from tests.support.site import MakeSite, Page, Site, granted, split

STRENGTHS = ["tin", "silver", "gold"]


@pytest.fixture(params=["opaque", "jwt"])
def site(make_site: MakeSite, request: pytest.FixtureRequest) -> Any:
    """Without OpenID Connect. Alice has just signed in, with "silver"."""
    protect = [{"path": "/paths/*", "scopes": [], "acr": "silver", "max_age": 300}]
    site: Any = make_site(
        OAUTH_ISSUER="http://localhost",
        OAUTH_LOGIN_URL="/login",
        OAUTH_ACCESS_TOKEN_FORMAT=request.param,
        OAUTH_ACR_VALUES=STRENGTHS,
        OAUTH_PROTECT=protect,
    )
    site.signed_in_at, site.acr = int(time.time()), "silver"
    site.gateway.login_details(lambda _: {"acr": site.acr, "auth_time": site.signed_in_at})
    for name in (*STRENGTHS, "elsewhere"):
        site.app.add_url_rule(f"/{name}", name, require_token(acr=name, max_age=300)(said))
    site.app.add_url_rule("/paths/one", "path", said)
    return site


def said() -> dict[str, Any]:
    return {"acr": current_token.acr, "auth_time": current_token.auth_time}


def status(site: Site, path: str, token: str) -> int:
    return site.app.test_client().get(path, headers=bearer(token)).status_code


def test_a_view_and_a_path_that_want_one_take_any_stronger(site: Any) -> None:
    client = site.register()
    expected = {
        "tin": (200, 401, 401),
        "silver": (200, 200, 401),
        "gold": (200, 200, 200),
        "elsewhere": (401, 401, 401),
    }
    for site.acr, statuses in expected.items():
        token = site.tokens(client)["access_token"]
        assert tuple(status(site, f"/{name}", token) for name in STRENGTHS) == statuses
        assert status(site, "/paths/one", token) == statuses[1]
        assert status(site, "/elsewhere", token) == (200 if site.acr == "elsewhere" else 401)  # compared as it stands
        answer = site.app.test_client().get(f"/{site.acr}", headers=bearer(token)).get_json()
        assert answer == {"acr": site.acr, "auth_time": site.signed_in_at}


def test_the_challenge_leads_to_a_token_that_does(site: Any) -> None:
    """As a client goes: the challenge's own words, sent to the authorize endpoint."""
    client, browser = site.register(skip_consent=True), site.app.test_client()
    weak = site.tokens(client)["access_token"]
    for path in ("/gold", "/paths/one"):
        site.acr = "tin" if path == "/paths/one" else "silver"
        weak = site.tokens(client)["access_token"]
        challenge = browser.get(path, headers=bearer(weak)).headers["WWW-Authenticate"]
        assert 'error="insufficient_user_authentication"' in challenge
        fields = dict(part.split("=", 1) for part in challenge.split(", ") if "=" in part)
        wanted = {name: fields[name].strip('"') for name in ("acr_values", "max_age")}
        assert wanted == {"acr_values": path[1:] if path == "/gold" else "silver", "max_age": "300"}
        response = site.ask(client, **wanted)
        site.acr = wanted["acr_values"]
        code = split(site.browser.get(split(response.location)[1]["next"]).location)[1]["code"]
        assert status(site, path, granted(site.redeem(client, code))["access_token"]) == 200


def test_a_refresh_keeps_how_and_when_the_user_signed_in_first(site: Any) -> None:
    client = site.register()
    tokens = site.tokens(client)
    first = site.signed_in_at
    site.signed_in_at, site.acr = first + 1000, "gold"  # which is about somebody's later sign-in
    for _ in range(3):
        tokens = granted(site.refresh(client, tokens["refresh_token"]))
        told = site.post(client, "/oauth/introspect", token=tokens["access_token"]).get_json()
        assert (told["acr"], told["auth_time"]) == ("silver", first)
        assert status(site, "/silver", tokens["access_token"]) == 200
        assert status(site, "/gold", tokens["access_token"]) == 401


def test_a_device_s_tokens_say_it_too_and_go_on_saying_it(site: Any) -> None:
    device_code = "urn:ietf:params:oauth:grant-type:device_code"
    client = site.register(grant_types=[device_code, "refresh_token"], redirect_uris=[])
    asked = site.post(client, "/oauth/device_authorization").get_json()
    sent = {"form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"), "user_code": asked["user_code"]}
    assert site.send(Page(site.browser.post("/oauth/device", data=sent))).status_code == 200
    site.acr = "gold"
    tokens = granted(site.token(client, device_code, device_code=asked["device_code"]))
    for _ in range(2):
        told = site.post(client, "/oauth/introspect", token=tokens["access_token"]).get_json()
        assert (told["acr"], told["auth_time"]) == ("silver", site.signed_in_at)
        tokens = granted(site.refresh(client, tokens["refresh_token"]))


def test_the_metadata_name_the_strengths_where_there_are_any(site: Any, make_site: MakeSite) -> None:
    path = "/.well-known/oauth-authorization-server"
    assert site.browser.get(path).get_json()["acr_values_supported"] == STRENGTHS
    plain = make_site(OAUTH_ISSUER="http://localhost")
    assert "acr_values_supported" not in plain.browser.get(path).get_json()


def test_a_token_without_a_sign_in_says_none(site: Any) -> None:
    client = register(site.app)
    own = granted(site.post(client, "/oauth/token", grant_type="client_credentials"))["access_token"]
    assert [status(site, f"/{name}", own) for name in STRENGTHS] == [401, 401, 401]
    with site.app.test_request_context("/"):
        assert not current_token


def test_an_app_that_only_checks_takes_any_stronger_of_another_server_s_tokens() -> None:
    signer, issuer = Signer(), "https://idp.example"
    app = Flask(__name__)
    app.config.update(
        TESTING=True,
        OAUTH_ACR_VALUES=STRENGTHS,
        OAUTH_TRUSTED_TOKEN_ISSUERS={issuer: {"jwks": signer.jwks(), "audience": "https://api.example"}},
    )
    OAuthGateway(app, resource_server=True)
    app.add_url_rule("/silver", "silver", require_token(acr="silver")(said))
    for acr, expected in (("tin", 401), ("silver", 200), ("gold", 200), ("platinum", 401), (None, 401)):
        claims = claims_of(issuer, aud="https://api.example", client_id="theirs", acr=acr, auth_time=1700000000)
        claims = {name: value for name, value in claims.items() if value is not None}
        response = app.test_client().get("/silver", headers=bearer(signer.sign(claims, typ="at+jwt")))
        assert response.status_code == expected, f"{acr} {response.text}"
        assert expected != 200 or response.get_json() == {"acr": acr, "auth_time": 1700000000}
