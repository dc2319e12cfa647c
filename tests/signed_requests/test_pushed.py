"""The parameter `request` in a pushed authorization request (RFC 9126 section 3)."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.request_objects import BROWSER, OTHER_URI, MakeSigning, Signing
from tests.support.signing import Signer
from tests.support.site import REDIRECT_URI, Page, granted, location, query, refused


@pytest.fixture
def signing(make_signing: MakeSigning) -> Signing:
    return make_signing(OAUTH_PAR=True)


def push(signing: Signing, text: str | None = None, **beside: Any) -> Any:
    return signing.site.post(signing.client, "/oauth/par", request=signing.sign() if text is None else text, **beside)


def pushed(signing: Signing, text: str | None = None, **beside: Any) -> str:
    response = push(signing, text, **beside)
    assert response.status_code == 201, response.text
    return str(response.get_json()["request_uri"])


def come(signing: Signing, request_uri: str, **beside: Any) -> Any:
    sent = {"client_id": signing.client.client_id, "request_uri": request_uri, **beside}
    return signing.site.browser.get("/oauth/authorize", query_string=sent, headers=BROWSER)


def not_accepted(signing: Signing, text: str, error: str = "invalid_request_object") -> str:
    return refusal(push(signing, text), 400, error)


@every_database
def test_a_code_comes_of_it(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_PAR=True)
    request_uri = pushed(signing, signing.sign(jti="one"))
    found = signing.answer(come(signing, request_uri))
    assert found["state"] == "xyz"
    assert granted(signing.site.redeem(signing.client, found["code"]))


def test_what_stands_beside_it_in_the_body_does_not_count(signing: Signing) -> None:
    beside = {"state": "outside", "redirect_uri": OTHER_URI, "scope": "weather:write", "response_type": "token"}
    request_uri = pushed(signing, signing.sign(state=None, scope="weather:read"), **beside)
    found = signing.answer(come(signing, request_uri, state="further outside"))
    assert "state" not in found
    assert granted(signing.site.redeem(signing.client, found["code"]))["scope"] == "weather:read"


def test_what_we_add_to_a_browser_s_address_is_nothing_that_a_client_pushes(
    make_signing: MakeSigning, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing = make_signing(OAUTH_PAR=True, OAUTH_OIDC=True, client={"scope": "openid weather:read"})
    hint = granted(signing.site.redeem(signing.client, signing.code(signing.sign(scope="openid"))))["id_token"]
    text = signing.sign(scope="openid", id_token_hint=hint)
    signing.site.gateway.login(lambda request: " ".join(request.prompt) or "alice is asked for")
    signing.site.person = "bob"
    request_uri = pushed(signing, text, oauth_another_account="1")
    assert come(signing, request_uri).text == "alice is asked for"
    signing.site.person = "alice"
    clock, text = Clock(monkeypatch), signing.sign(exp=int(time.time()) + 60)
    mark = dict(parse_qsl(urlsplit(str(Page(signing.ask(text)).action)).query))["oauth_arrived"]
    clock.advance(200)
    assert signing.ask(text, oauth_arrived=mark).status_code == 200, "that browser came in time"
    assert "expired" in refusal(push(signing, text, oauth_arrived=mark), 400, "invalid_request_object")


def test_its_mistakes_are_told_at_once(signing: Signing) -> None:
    other = Signing(signing.site)
    for text, why in (
        (Signer().sign(signing.says()), "signature is wrong"),
        (other.sign(), "signature is wrong"),
        (other.signer.sign(signing.says()), "signature is wrong"),
        (signing.sign(client_id=other.client.client_id), "its client_id"),
        (signing.sign(iss=other.client.client_id), "its iss"),
        (signing.sign(exp=None), "(exp)"),
        (signing.sign(exp=1), "expired"),
        (signing.sign(aud="https://other.example"), "its aud"),
        (signing.sign({"typ": "at+jwt"}), "another kind of token"),
        (signing.sign({"alg": "none"}), "no key"),
        (signing.sign(request=signing.sign()), "another request"),
        (signing.sign(login_hint="x" * 70_000), "64 KiB"),
        ("no JWT", "three base64url parts"),
    ):
        assert why in not_accepted(signing, text)
    assert "registered" in not_accepted(signing, signing.sign(redirect_uri=OTHER_URI), "invalid_request")
    assert "response_type" in not_accepted(signing, signing.sign(response_type=None), "invalid_request")
    assert "code_challenge" in not_accepted(
        signing, signing.sign(code_challenge=None, code_challenge_method=None), "invalid_request"
    )


def test_no_request_uri_is_inside_it_or_beside_it(signing: Signing) -> None:
    first = pushed(signing)
    assert not_accepted(signing, signing.sign(request_uri=first), "invalid_request")
    assert refusal(push(signing, request_uri=first), 400, "invalid_request")


def test_it_is_pushed_once_if_it_has_a_jti(signing: Signing) -> None:
    text = signing.sign(jti="one")
    request_uri = pushed(signing, text)
    assert "was answered already" in not_accepted(signing, text)
    assert "was answered already" in signing.refused(text), "nor can a browser bring it"
    assert signing.answer(come(signing, request_uri))["code"]
    # What was refused for something else was not used up.
    wrong = signing.sign(jti="two", scope="nope")
    for _ in range(2):
        assert not_accepted(signing, wrong, "invalid_scope")
    again = signing.sign()
    assert pushed(signing, again) != pushed(signing, again), "without a jti each push is one"


def test_a_pushed_request_stays_signed(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_PAR="required", OAUTH_JAR="required")
    assert signing.answer(come(signing, pushed(signing)))["code"]
    plain = signing.site.post(signing.client, "/oauth/par", **query(signing.client))
    assert "not signed" in refusal(plain, 400, "invalid_request")
    # Signed, and not pushed.
    assert "pushed" in refused(location(signing.ask()), "invalid_request")


def test_where_it_became_required_meanwhile_a_plain_one_is_refused(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_PAR=True)
    plain = signing.site.post(signing.client, "/oauth/par", **query(signing.client)).get_json()["request_uri"]
    signing.site.gateway.clients.update(signing.client.client_id, require_signed_request_object=True)
    assert "not signed" in refused(location(come(signing, plain)), "invalid_request")


def test_the_name_of_a_pushed_request_counts_alone(signing: Signing) -> None:
    request_uri = pushed(signing, signing.sign(state="inside"))
    found = signing.answer(come(signing, request_uri, request=signing.sign(state="beside"), redirect_uri=REDIRECT_URI))
    assert found["state"] == "inside"


def test_without_the_setting_it_is_not_supported(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_PAR=True, OAUTH_JAR=False)
    plain = {name: value for name, value in query(signing.client).items() if name != "client_id"}
    assert not_accepted(signing, signing.sign(), "invalid_request")  # nothing of it is read
    assert refusal(push(signing, **plain), 400, "request_not_supported")
