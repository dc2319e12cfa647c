"""FAPI 2.0 Security Profile: the modules of pushed authorization requests (`fapi2-security-profile-final-par-…`)."""

from flask.testing import FlaskClient

from tests.support.clock import Clock
from tests.support.fapi import FapiClient, ahead, error_of
from tests.support.pushing import URN, come
from tests.support.site import Page, answer, error_page, location


def browser_of(client: FapiClient) -> FlaskClient:
    return client.site.app.test_client()


def test_par_attempt_reuse_request_uri(either: FapiClient) -> None:
    """It is spent by the answer."""
    request_uri = either.push()
    assert "code" in either.go(request_uri)
    error_page(come(either.site, either.client, request_uri), "invalid_request_uri")


def test_par_attempt_to_use_expired_request_uri(either: FapiClient, clock: Clock) -> None:
    response = either.par()
    seconds = response.get_json()["expires_in"]
    assert seconds < 600
    clock.advance(seconds + 1)
    error_page(come(either.site, either.client, response.get_json()["request_uri"]), "invalid_request_uri")


def test_par_attempt_to_use_request_uri_for_different_client(first: FapiClient, second: FapiClient) -> None:
    request_uri = first.push()
    error_page(come(first.site, second.client, request_uri), "invalid_request_uri")
    assert "code" in first.go(request_uri)


def test_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(either: FapiClient) -> None:
    """The page is opened twice before the user answers."""
    request_uri = either.push()
    pages = [Page(come(either.site, either.client, request_uri)) for _ in range(2)]
    code = answer(location(either.site.send(pages[1])))["code"]
    assert either.redeem(code).status_code == 200
    assert either.site.send(pages[0]).status_code == 400, "and it gives one code alone"


def test_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(first: FapiClient) -> None:
    assert first.par(first.assertion(nbf=ahead(8), iat=ahead(8))).status_code == 201


def test_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(first: FapiClient) -> None:
    assert error_of(first.par(first.assertion(nbf=ahead(65), exp=ahead(120))), 401) == "invalid_client"


def test_par_authorization_request_containing_request_uri_form_param(either: FapiClient) -> None:
    for request_uri in (f"{URN}{'x' * 43}", either.push(), "https://app.example/request.jwt"):
        assert error_of(either.par(request_uri=request_uri)) == "invalid_request"


def test_par_attempt_invalid_http_method(first: FapiClient) -> None:
    for method in ("get", "put", "patch", "delete"):
        response = getattr(browser_of(first), method)("/oauth/par", headers={"Accept": "application/json"})
        assert response.status_code == 405
        assert "POST" in response.headers["Allow"]


def test_par_ensure_pkce_required(either: FapiClient) -> None:
    assert error_of(either.par(code_challenge=None, code_challenge_method=None)) == "invalid_request"


def test_par_plain_pkce_rejected(either: FapiClient) -> None:
    for method in ("plain", None):
        assert error_of(either.par(code_challenge="x" * 43, code_challenge_method=method)) == "invalid_request"


def test_par_without_duplicate_parameters(either: FapiClient) -> None:
    """Nothing but `client_id` and `request_uri` is sent with the browser; and what is sent beside them counts for nothing."""
    assert "code" in either.go(either.push())
    beside = {
        "scope": "weather:write",
        "state": "other",
        "redirect_uri": "https://evil.example/",
        "response_type": "token",
    }
    found = either.go(either.push(), **beside)
    assert found["state"] == "xyz"
    assert either.redeem(found["code"]).get_json()["scope"] == "weather:read"
