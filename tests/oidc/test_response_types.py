"""ID tokens from the authorize endpoint itself: the implicit and hybrid flows (OIDC Core sections 3.2, 3.3)."""

import hashlib
import html
import re
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.relying_party import CLAIMS, MakeParty, RelyingParty
from tests.support.site import REDIRECT_URI, Page, location, query

PARTS = {
    "id_token": {"id_token"},
    "id_token token": {"id_token", "access_token"},
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token"},
    "code id_token token": {"code", "id_token", "access_token"},
}
GRANTS = ["authorization_code", "implicit", "refresh_token"]
FURTHER = {"state", "iss", "token_type", "expires_in", "scope"}


def left_half(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def answer(place: str) -> dict[str, str]:
    """The parameters that the client finds, in the one part of the URL that has any."""
    parts = urlsplit(place)
    assert not (parts.query and parts.fragment)
    return dict(parse_qsl(parts.query or parts.fragment, strict_parsing=True))


@pytest.fixture(params=["client_secret_basic", "none"])
def party(request: pytest.FixtureRequest, make_party: MakeParty) -> RelyingParty:
    return make_party({"grant_types": GRANTS, "token_endpoint_auth_method": request.param})


def ask(party: RelyingParty, response_type: str, **parameters: Any) -> str:
    """Where the browser is sent in the end."""
    defaults = {"scope": "openid email", "nonce": "n", "response_type": response_type}
    return party.site.approve(party.client, **defaults | parameters)


@pytest.mark.parametrize("response_type", PARTS)
def test_each_gives_what_it_names_bound_together(party: RelyingParty, response_type: str) -> None:
    place = ask(party, response_type)
    assert urlsplit(place).query == ""
    found = answer(place)
    assert found.keys() - FURTHER == PARTS[response_type]
    assert ("expires_in" in found) == ("access_token" in found)
    if "id_token" in found:
        claims = party.read(found["id_token"])
        assert (claims["sub"], claims["nonce"]) == ("alice", "n")
        for name, hashed in (("access_token", "at_hash"), ("code", "c_hash")):
            assert claims.get(hashed) == (left_half(found[name]) if name in found else None)
        assert ("email" in claims) == (response_type == "id_token"), "userinfo has it where there is an access token"
    if "access_token" in found:
        assert party.userinfo(found["access_token"]).get_json()["email"] == CLAIMS["email"]
    if "code" in found:
        party.tokens = party.trade(found["code"])
        again = party.read(party.tokens["id_token"])
        assert (again["sub"], again["nonce"]) == ("alice", "n")
        assert party.userinfo().get_json()["sub"] == "alice"


@pytest.mark.parametrize("response_type", ["token id_token", "token id_token code", "id_token code"])
def test_the_order_of_the_words_has_no_meaning(party: RelyingParty, response_type: str) -> None:
    assert "id_token" in answer(ask(party, response_type))


@pytest.mark.parametrize("response_type", PARTS)
def test_a_form_may_carry_the_answer_and_a_query_never(party: RelyingParty, response_type: str) -> None:
    parameters = {"scope": "openid", "nonce": "n", "response_type": response_type}
    response = party.site.ask(party.client, **parameters, response_mode="form_post")
    if response.status_code == 200 and "decision" in response.text:
        response = party.site.send(Page(response))
    page = Page(response)
    assert page.action == REDIRECT_URI
    assert {name for name, _ in page.fields} - FURTHER == PARTS[response_type]
    place = location(party.site.ask(party.client, **parameters, response_mode="query"))
    assert urlsplit(place).query == ""
    assert answer(place)["error"] == "invalid_request"


@pytest.mark.parametrize("response_type", [name for name in PARTS if "id_token" in name])
def test_an_id_token_needs_a_nonce_and_openid(party: RelyingParty, response_type: str) -> None:
    place = ask(party, response_type, nonce=None)
    assert urlsplit(place).query == ""
    assert answer(place)["error"] == "invalid_request"
    assert answer(ask(party, response_type, scope="email"))["error"] == "invalid_scope"


def test_code_and_token_need_no_nonce(party: RelyingParty) -> None:
    assert {"code", "access_token"} <= answer(ask(party, "code token", nonce=None)).keys()


def test_a_client_uses_the_response_types_that_it_registered(make_party: MakeParty) -> None:
    party = make_party({"grant_types": GRANTS, "response_types": ["id_token code"]})
    assert party.client.response_types == ["code id_token"]
    assert "code" in answer(ask(party, "code id_token"))
    for other in ("code", "id_token", "code token"):
        assert answer(ask(party, other))["error"] == "unauthorized_client"
    with pytest.raises(ValueError, match="response_types"):
        party.site.register(response_types=["code id_token foo"])


def test_a_client_without_the_implicit_grant_gets_no_token_from_there(make_party: MakeParty) -> None:
    party = make_party()
    for response_type in PARTS:
        assert answer(ask(party, response_type))["error"] == "unauthorized_client"


def test_a_confidential_client_gets_no_bare_token(make_party: MakeParty) -> None:
    party = make_party({"grant_types": GRANTS})
    assert answer(ask(party, "token"))["error"] == "unauthorized_client"


def test_what_is_off_is_not_there(make_party: MakeParty) -> None:
    grants = ["authorization_code", "refresh_token"]
    party = make_party(OAUTH_GRANT_TYPES=grants)
    document = party.site.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert document["response_types_supported"] == ["code"]
    assert answer(ask(party, "code id_token"))["error"] == "unsupported_response_type"
    everything = make_party().site.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert set(everything["response_types_supported"]) == {"code", "token", *PARTS}
    without = make_party({"scope": "weather:read", "grant_types": ["implicit"]}, OAUTH_OIDC=False)
    assert answer(ask(without, "id_token", scope="weather:read"))["error"] == "unsupported_response_type"


def test_a_hybrid_answer_needs_pkce_like_any_code(party: RelyingParty) -> None:
    place = ask(party, "code id_token", code_challenge=None, code_challenge_method=None)
    assert answer(place)["error"] == "invalid_request"


def test_an_answer_that_is_too_long_for_a_header_reaches_a_browser_in_a_page(make_party: MakeParty) -> None:
    party = make_party({"grant_types": GRANTS})
    party.site.gateway.user_claims(lambda *_: {"email": "a" * 9000})
    asked = {"scope": "openid email", "nonce": "n", "response_type": "id_token"}
    assert len(ask(party, "id_token")) > 9000, "a program knows what it can read"
    url, browser = query(party.client, **asked), party.site.browser
    page = browser.get("/oauth/authorize", query_string=url, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Location" not in page.headers
    (there,) = re.findall('<a href="([^"]*)"', page.text)
    assert len(party.read(answer(html.unescape(there))["id_token"])["email"]) == 9000
    framed = {"Accept": "text/html", "Sec-Fetch-Dest": "iframe"}
    assert browser.get("/oauth/authorize", query_string=url, headers=framed).status_code == 302
