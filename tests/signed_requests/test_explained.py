"""`flask oauth explain` takes a signed request apart, and says by which keys it could be signed."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask_babel import Babel

from tests.support.request_objects import BROWSER, OTHER_URI, MakeSigning, Signing, encrypted, key_for
from tests.support.signing import Signer


def why(signing: Signing, text: str | None = None, **beside: str) -> tuple[str, str, str, str]:
    """Error, check, expected and got."""
    sent = {"client_id": signing.client.client_id, **({} if text is None else {"request": text}), **beside}
    line = f"http://localhost/oauth/authorize?{urlencode(sent)}"
    found: dict[str, Any] = json.loads(
        signing.site.app.test_cli_runner().invoke(args=["oauth", "explain", "--json", line]).stdout
    )
    told = found["explanation"]
    assert told["source"].startswith("RFC ")
    if text is not None:
        assert text.rpartition(".")[2] not in json.dumps(found), "no whole request is shown"
    return found["error"], told["check"], told["expected"], told["got"]


def test_who_could_have_signed_it(signing: Signing) -> None:
    error, check, expected, got = why(signing, Signer(kid="k9").sign(signing.says()))
    assert (error, check) == ("invalid_request_object", "signature of the request")
    assert expected == "by a key of the client's: k1 (P-256)"
    assert "kid 'k9'" in got
    keyless = Signing(signing.site, jwks=None)
    assert "none that is usable" in why(keyless, keyless.sign())[2]


def test_what_it_says_of_itself(signing: Signing) -> None:
    for text, expected, got in (
        (signing.sign(exp=1), "it expired", "exp 1970-01-01 00:00:01Z"),
        (signing.sign(exp="x"), "its exp", "exp 'x'"),
        (signing.sign(aud="https://other.example"), "its aud", "aud 'https://other.example'"),
        (signing.sign({"typ": "at+jwt"}), "another kind of token", "typ 'at+jwt'"),
        ("nonsense", "three base64url parts", "can't be read"),
    ):
        error, check, said, came = why(signing, text)
        assert (error, check) == ("invalid_request_object", "signed request")
        assert expected in said
        assert got in came


def test_what_is_inside_is_what_is_explained(signing: Signing) -> None:
    error, check, _, got = why(signing, signing.sign(redirect_uri=OTHER_URI), redirect_uri="https://beside.example/cb")
    assert (error, check) == ("invalid_request", "redirect URI")
    assert got.startswith(OTHER_URI)


def test_an_encrypted_one_is_named_as_such(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_REQUEST_ENCRYPTION=True)
    assert (
        why(signing, encrypted(signing.sign(exp=1), key_for(signing, "ECDH-ES"), "ECDH-ES"))[3]
        == "one that is encrypted"
    )


def test_where_it_may_stand(make_signing: MakeSigning) -> None:
    signing = make_signing(client={"request_uris": ["https://app.example/r"]}, OAUTH_REQUEST_URIS=True)
    error, check, expected, got = why(signing, request_uri="https://app.example/other")
    assert (error, check) == ("invalid_request_uri", "request_uri")
    assert expected == "one of the client's request_uris: https://app.example/r"
    assert got.startswith("https://app.example/other (")


def test_a_pushed_request_that_is_not_there(make_signing: MakeSigning) -> None:
    urn = "urn:ietf:params:oauth:request_uri:nothing"
    assert why(make_signing(OAUTH_PAR=True), request_uri=urn)[3] == "the request_uri is unknown"


def test_in_debug_mode_the_page_says_it(make_signing: MakeSigning, monkeypatch: pytest.MonkeyPatch) -> None:
    signing = make_signing()
    monkeypatch.setattr(signing.site.app, "debug", True)
    assert "signature of the request" in signing.refused(Signer().sign(signing.says()))


def test_the_page_speaks_to_its_reader_and_says_to_the_program_s_author_what_is_wrong(signing: Signing) -> None:
    sent = {"client_id": signing.client.client_id, "request": signing.sign(exp=1)}
    Babel(signing.site.app, locale_selector=lambda: "de")
    page = signing.site.browser.get("/oauth/authorize", query_string=sent, headers=BROWSER).text
    assert "beginnen Sie dort neu" in page
    assert "it expired" in page
    answer = signing.site.browser.get("/oauth/authorize", query_string=sent).get_json()
    assert (answer["error"], "it expired" in answer["error_description"]) == ("invalid_request_object", True)
