"""`/oauth/authorize`: every error that the client gets (RFC 6749 4.1.2.1, 7636, 9207), and when it doesn't get it.

Where the redirect URI isn't the client's own, each of these errors is a page and redirects nowhere: the matrix below.
"""

from typing import Any

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.listed import for_each
from tests.support.site import (
    READ,
    REDIRECT_URI,
    WRITE,
    MakeSite,
    Page,
    Site,
    answer,
    error_page,
    location,
    query,
    refused,
)

# A request's parameters, and the error that it is.
ERRORS = {
    "no response type": ({"response_type": None}, "invalid_request"),
    "an unknown response type": ({"response_type": "zzz"}, "unsupported_response_type"),
    "a response type with markup": ({"response_type": "<script>"}, "unsupported_response_type"),
    "the hybrid flow": ({"response_type": "code token"}, "unsupported_response_type"),
    "an ID token": ({"response_type": "id_token"}, "unsupported_response_type"),
    "a response type that the client isn't registered for": ({"response_type": "token"}, "unauthorized_client"),
    "an unknown scope": ({"scope": "nope"}, "invalid_scope"),
    "a scope that the client may not have": ({"scope": WRITE}, "invalid_scope"),
    "a scope with markup": ({"scope": '<b>"'}, "invalid_scope"),
    "offline access alone": ({"scope": "offline_access"}, "invalid_scope"),
    "an unknown response mode": ({"response_mode": "web_message"}, "invalid_request"),
    "no challenge at all": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "a method without a challenge": ({"code_challenge": None}, "invalid_request"),
    "a challenge without a method": ({"code_challenge_method": None}, "invalid_request"),
    "a plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "an unknown method": ({"code_challenge_method": "S512"}, "invalid_request"),
    "a method in small letters": ({"code_challenge_method": "s256"}, "invalid_request"),
    "a short challenge": ({"code_challenge": "a" * 42}, "invalid_request"),
    "a long challenge": ({"code_challenge": "a" * 129}, "invalid_request"),
    "a challenge with a newline": ({"code_challenge": "a" * 43 + "\n"}, "invalid_request"),
    "a padded challenge": ({"code_challenge": "a" * 43 + "="}, "invalid_request"),
    "a request object": ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
    "a request object elsewhere": ({"request_uri": "https://evil.example/r"}, "request_uri_not_supported"),
    "an unknown prompt": ({"prompt": "smile"}, "invalid_request"),
    "a prompt in capitals": ({"prompt": "NONE"}, "invalid_request"),
    "no prompt and one": ({"prompt": "none login"}, "invalid_request"),
    "a max_age that is no number": ({"max_age": "soon"}, "invalid_request"),
    "a negative max_age": ({"max_age": "-1"}, "invalid_request"),
    "an endless max_age": ({"max_age": "9" * 20}, "invalid_request"),
    "nothing to be asked, and it was not granted yet": ({"prompt": "none"}, "consent_required"),
    "nothing to be asked, and the sign-in is too old": ({"prompt": "none", "max_age": "1"}, "login_required"),
}

# What is registered is https://app.example/cb and http://127.0.0.1/cb.
BAD_URIS = {
    "missing, with two registered": None,
    "empty, with two registered": "",
    "unregistered": "https://evil.example/cb",
    "another path": "https://app.example/cb2",
    "a longer path": "https://app.example/cb/x",
    "a way up": "https://app.example/cb/../evil",
    "a slash at the end": "https://app.example/cb/",
    "a query added": "https://app.example/cb?a=b",
    "an empty query added": "https://app.example/cb?",
    "a fragment added": "https://app.example/cb#x",
    "an empty fragment added": "https://app.example/cb#",
    "a host in capitals": "https://APP.example/cb",
    "a scheme in capitals": "HTTPS://app.example/cb",
    "a path in capitals": "https://app.example/CB",
    "an encoded letter": "https://app.example/%63b",
    "a port": "https://app.example:8443/cb",
    "the port that https has anyhow": "https://app.example:443/cb",
    "plain http": "http://app.example/cb",
    "a user name": "https://x@app.example/cb",
    "a host that is only a user name": "https://app.example@evil.example/cb",
    "a subdomain": "https://x.app.example/cb",
    "the host as a subdomain": "https://app.example.evil.example/cb",
    "a dot after the host": "https://app.example./cb",
    "no scheme": "//app.example/cb",
    "a path alone": "/cb",
    "backslashes": "https:\\\\app.example\\cb",
    "a backslash before the host of another": "https://evil.example\\@app.example/cb",
    "a script": "javascript:alert(1)//https://app.example/cb",
    "data": "data:text/html,<script>alert(1)</script>",
    "a space at the start": " https://app.example/cb",
    "a space at the end": "https://app.example/cb ",
    "a tab": "https://app.example/\tcb",
    "two lines": "https://app.example/cb\r\nLocation: https://evil.example",
    "a NUL": "https://app.example/cb\0",
    "markup": "https://app.example/cb\"><script>alert(1)</script>",
    "letters that look the same": "https://\u0430pp.example/cb",
    "a broken IPv6 address": "http://[::1/cb",
    "an endless run of colons": "http://[" + ":" * 500 + "]/cb",
    "a port that is none": "http://127.0.0.1:99999999/cb",
    "a port in words": "http://127.0.0.1:eighty/cb",
    "a port with leading zeros": "http://127.0.0.1:0080/cb",
    "an empty port": "http://127.0.0.1:/cb",
    "a port before the real host": "http://127.0.0.1:80@evil.example/cb",
    "a user name on loopback": "http://x@127.0.0.1:80/cb",
    "loopback as a user name": "http://127.0.0.1@evil.example/cb",
    "a name that begins like loopback": "http://127.0.0.1.evil.example/cb",
    "localhost for 127.0.0.1": "http://localhost:80/cb",
    "a name that begins like localhost": "http://localhost.evil.example/cb",
    "another loopback address": "http://127.0.0.2:80/cb",
    "the same address in one number": "http://2130706433/cb",
    "the other family's loopback": "http://[::1]:80/cb",
    "https on loopback": "https://127.0.0.1/cb",
    "another path on loopback": "http://127.0.0.1:80/evil",
    "a loopback scheme in capitals": "HTTP://127.0.0.1:80/cb",
    "100 kB": "https://app.example/cb?" + "a" * 100_000,
}  # fmt: skip


@pytest.fixture
def client(site: Site) -> Any:
    return site.register(scope=READ, redirect_uris=[REDIRECT_URI, "http://127.0.0.1/cb"])


def test_the_client_is_told_at_its_own_address(site: Site, client: Client) -> None:
    def is_told(parameters: Any, error: str) -> None:
        where = location(site.ask(client, **parameters))
        is_token = {"token", "id_token"}.intersection((parameters.get("response_type") or "").split())
        part = "fragment" if is_token else "query"
        refused(where, error, part=part)
        assert answer(where, part=part)["state"] == query(client, **parameters)["state"]

    for_each(ERRORS, is_told)


def test_no_error_of_any_kind_goes_to_an_address_that_is_not_the_client_s(site: Site, client: Client) -> None:
    good: dict[str, Any] = {"a request without a fault": ({}, "")}
    for what, (parameters, error) in (ERRORS | good).items():
        for kind, uri in BAD_URIS.items():
            response = site.ask(client, **{**parameters, "redirect_uri": uri})
            assert response.status_code == 400, (what, kind)
            assert "Location" not in response.headers, (what, kind)
            assert not error or error == "invalid_request" or f"<code>{error}</code>" not in response.text
            assert not Page(response).actions, (what, kind)


def test_a_wrong_address_is_a_page_for_the_user_that_links_nowhere(site: Site, client: Client) -> None:
    def is_a_page(uri: str | None) -> None:
        site.person = "alice"
        for mode in ("query", "fragment", "form_post"):
            response = site.ask(client, redirect_uri=uri, response_mode=mode)
            error_page(response, "invalid_request")
            assert "evil" not in response.text
            assert "app.example" not in response.text
        site.person = None
        error_page(site.ask(client, redirect_uri=uri), "invalid_request")  # nor is anybody asked to sign in

    for_each({kind: (uri,) for kind, uri in BAD_URIS.items()}, is_a_page)


def test_an_unknown_client_is_a_page_whatever_else_is_wrong(site: Site, client: Client) -> None:
    def is_a_page(parameters: dict[str, Any], _error: str) -> None:
        error_page(site.ask(client, **{**parameters, "client_id": "nobody"}), "invalid_client")

    for_each({"a request without a fault": ({}, ""), **ERRORS}, is_a_page)


def test_an_address_that_was_taken_out_of_the_registration_is_no_longer_redirected_to(
    site: Site, client: Client
) -> None:
    page = Page(site.ask(client))
    site.gateway.clients.update(client.client_id, redirect_uris=["https://app.example/other"])
    error_page(site.send(page), "invalid_request")
    error_page(site.ask(client, prompt="none"), "invalid_request")


def test_an_error_description_holds_only_what_it_may(site: Site, client: Client) -> None:
    from tests.support.app import DESCRIPTION

    for name in ("response_type", "scope", "prompt", "code_challenge_method", "response_mode"):
        for value in ('a"b\\c', "é\u202e", "<script>", "x" * 5000):
            assert DESCRIPTION.fullmatch(answer(location(site.ask(client, **{name: value})))["error_description"])


@pytest.mark.parametrize(("require", "public_needs", "confidential_needs"), [
    (True, True, True), ("public", True, False), (False, False, False)
])  # fmt: skip
def test_whose_requests_need_pkce_is_the_owner_s_to_say(
    make_site: MakeSite, require: Any, public_needs: bool, confidential_needs: bool
) -> None:
    site = make_site(OAUTH_REQUIRE_PKCE=require)
    without: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    for client, needs in ((site.register_public(), public_needs), (site.register(), confidential_needs)):
        if needs:
            assert "PKCE" in refused(location(site.ask(client, **without)), "invalid_request")
        else:
            assert site.redeem(client, site.code(client, **without), code_verifier=None).status_code == 200
        assert site.redeem(client, site.code(client)).status_code == 200
        # who starts it has to go through with it
        refused(location(site.ask(client, code_challenge_method=None)), "invalid_request")


def test_a_plain_challenge_is_taken_where_the_owner_takes_it(make_site: MakeSite) -> None:
    site = make_site(OAUTH_PKCE_METHODS=["S256", "plain"])
    client = site.register()
    verifier = "v" * 50
    for method in ("plain", None):
        code = site.code(client, code_challenge=verifier, code_challenge_method=method)
        assert site.redeem(client, code, code_verifier=verifier).status_code == 200
    code = site.code(client, code_challenge=verifier, code_challenge_method="plain")
    assert site.redeem(client, code, code_verifier="w" * 50).status_code == 400
