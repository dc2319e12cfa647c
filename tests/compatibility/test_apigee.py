"""`OAUTH_COMPATIBILITY = "apigee"`: the requests that Apigee's documentation shows, and its answers to them."""

import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.app import ask, basic, bearer, register
from tests.support.clock import Clock
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, Page, query
from tests.support.trading import MakeTrading

JSON = {"Accept": "application/json"}
ATTRIBUTES = {
    "developer.email": "tesla@weathersample.com",
    "organization_name": "docs",
    "application_name": "ce1e94a2-9c3e-42fa-a2c6-1ee01815476b",
    "api_product_list_json": ["PremiumWeatherAPI"],
}


@pytest.fixture
def apigee(make_site: MakeSite) -> Any:
    return make_site(OAUTH_COMPATIBILITY="apigee")


def said(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.get_json()
    return body


def refused(response: Any, status: int, sentence: str, code: str = "invalid_request") -> None:
    assert said(response, status) == {"ErrorCode": code, "Error": sentence}


def test_client_credentials(apigee: Any) -> None:
    client = register(apigee.app, client_id="5jUAdGv9pBouF0wOH5keAVI35GBtx3dT", attributes=ATTRIBUTES)
    before = time.time_ns() // 1_000_000
    answer = said(ask(apigee.app.test_client(), client, scope="weather:read"), 200)
    assert before <= int(answer.pop("issued_at")) <= time.time_ns() // 1_000_000
    assert isinstance(answer["access_token"], str)
    assert answer == {
        "scope": "weather:read",
        "application_name": "ce1e94a2-9c3e-42fa-a2c6-1ee01815476b",
        "status": "approved",
        "api_product_list": "[PremiumWeatherAPI]",
        "api_product_list_json": ["PremiumWeatherAPI"],
        "expires_in": "3600",
        "developer.email": "tesla@weathersample.com",
        "organization_id": "0",
        "token_type": "BearerToken",
        "client_id": "5jUAdGv9pBouF0wOH5keAVI35GBtx3dT",
        "access_token": answer["access_token"],
        "organization_name": "docs",
        "refresh_token_expires_in": "0",
        "refresh_count": "0",
    }
    assert apigee.me(answer["access_token"])["client"] == client.client_id
    told = said(apigee.app.test_client().post("/oauth/tokeninfo", data={"access_token": answer["access_token"]}), 200)
    assert (told["status"], told["expires_in"], told["scope"]) == ("approved", "3600", "weather:read")
    assert told["developer.email"] == "tesla@weathersample.com"
    assert "app_enduser" not in told


def test_a_code_and_what_refreshes_it(apigee: Any, clock: Clock) -> None:
    client = apigee.register(contacts=["dev@example.com"])
    first = said(apigee.redeem(client, apigee.code(client)), 200)
    assert (first["token_type"], first["refresh_count"], first["refresh_token_status"]) == (
        "BearerToken",
        "0",
        "approved",
    )
    assert first["refresh_token_expires_in"] == str(30 * 86400)
    assert abs(int(first["refresh_token_issued_at"]) - int(first["issued_at"])) < 5000
    assert (first["application_name"], first["developer.email"]) == ("Weather app", "dev@example.com")
    second = said(apigee.refresh(client, first["refresh_token"]), 200)
    third = said(apigee.refresh(client, second["refresh_token"]), 200)
    assert (second["refresh_count"], third["refresh_count"]) == ("1", "2")
    told = said(apigee.browser.get("/oauth/tokeninfo", headers=bearer(third["access_token"])), 200)
    assert told["app_enduser"] == "alice"
    clock.advance(31 * 86400)
    refused(apigee.refresh(client, third["refresh_token"]), 400, "Refresh Token expired")
    refused(apigee.refresh(client, "nobody's"), 400, "Invalid Refresh Token")
    refused(apigee.refresh(apigee.register(), third["refresh_token"]), 400, "Invalid Refresh Token")


def test_the_token_endpoint_s_errors(apigee: Any) -> None:
    client = apigee.register()
    post = apigee.post
    refused(apigee.redeem(client, "nobody's"), 400, "Invalid Authorization Code")
    refused(apigee.redeem(client, apigee.code(client), redirect_uri=None), 400, "Required param : redirect_uri")
    refused(apigee.redeem(client, apigee.code(client), redirect_uri="oob"), 400, "Invalid redirect_uri : oob")
    refused(post(client, "/oauth/token"), 400, "Required param : grant_type")
    refused(post(client, "/oauth/token", grant_type="authorization_code"), 400, "Required param : code")
    refused(post(client, "/oauth/token", grant_type="magic"), 400, "Unsupported grant type : magic")
    wrong = apigee.app.test_client().post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(client.client_id, "wrong")
    )
    refused(wrong, 401, "Client credentials are invalid", "invalid_client")
    station = register(apigee.app, scope="weather:read")
    refused(ask(apigee.app.test_client(), station, scope="weather:write"), 400, "Invalid Scope", "invalid_scope")


def test_the_authorize_endpoint_s_errors_to_a_program(apigee: Any) -> None:
    client = apigee.register()

    def sent(**changes: str | None) -> Any:
        return apigee.browser.get("/oauth/authorize", query_string=query(client, **changes), headers=JSON)

    elsewhere = "http://www.invalid_example.com"
    refused(sent(redirect_uri=elsewhere), 400, f"Invalid redirection uri {elsewhere}")
    refused(sent(client_id="AVD7zt"), 401, "Invalid client id : AVD7zt. ClientId is Invalid")
    refused(sent(client_id=None), 400, "The request is missing a required parameter : client_id")
    apigee.gateway.clients.update(client.client_id, redirect_uris=[REDIRECT_URI, "https://app.example/other"])
    refused(sent(redirect_uri=None), 400, "Redirection URI is required")
    page = apigee.browser.get("/oauth/authorize", headers={"Accept": "text/html"})
    assert "client_id" in Page(page).text


def test_a_protected_view_s_refusals_are_faults(apigee: Any, clock: Clock) -> None:
    http = apigee.app.test_client()

    def fault(status: int, token: str | None, path: str = "/me") -> tuple[str, str]:
        response = http.get(path, headers={} if token is None else bearer(token))
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        found = said(response, status)["fault"]
        return found["faultstring"], found["detail"]["errorcode"]

    client = register(apigee.app, scope="weather:write")
    token = said(ask(http, client), 200)["access_token"]
    assert fault(401, None) == ("Invalid access token", "oauth.v2.InvalidAccessToken")
    assert fault(401, "nobody's") == ("Invalid Access Token", "keymanagement.service.invalid_access_token")
    assert fault(403, token, "/weather") == ("Required scope(s): weather:read", "steps.oauth.v2.InsufficientScope")
    clock.advance(3601)
    assert fault(401, token) == ("Access Token expired", "keymanagement.service.access_token_expired")
    dead = http.post("/oauth/tokeninfo", data={"access_token": token})
    assert said(dead, 400)["fault"]["faultstring"] == "Access Token expired"


def test_what_apigee_has_no_policy_for_stays_as_it_is(apigee: Any) -> None:
    client = apigee.register()
    token = said(apigee.redeem(client, apigee.code(client), code_verifier=VERIFIER), 200)["access_token"]
    assert apigee.post(client, "/oauth/introspect", token=token).get_json()["token_type"] == "Bearer"
    assert apigee.post(client, "/oauth/revoke", token=token).get_json() == {}


def test_a_token_for_an_assertion_names_its_client_too(make_trading: MakeTrading) -> None:
    trading = make_trading(OAUTH_COMPATIBILITY="apigee")
    answer = said(trading.post(trading.assertion()), 200)
    assert (answer["client_id"], answer["token_type"]) == ("partner", "BearerToken")
