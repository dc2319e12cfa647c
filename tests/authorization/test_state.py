"""`state` comes back whole, in an answer that every server and proxy reads: a URL of 8 KiB at most, or a form."""

from typing import Any

import pytest

from tests.support.databases import sqlite_only
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, Page, Site, answer, challenge_of, location, refused

pytestmark = sqlite_only

LIMIT = 8192
LONG_URI = "https://app.example/" + "c" * 2000


def ask(site: Site, client: Any, **parameters: Any) -> Any:
    """The request as a form, as no URL could hold it."""
    form = {
        "response_type": "code",
        "client_id": client.client_id,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        **parameters,
    }
    return site.browser.post("/oauth/authorize", data=form)


def client_of(site: Site, **metadata: Any) -> Any:
    site.gateway.approve(lambda _: True)
    return site.register_public(**{"grant_types": ["authorization_code", "implicit"], **metadata})


@pytest.mark.parametrize("unit", ["x", "&", "é", "日", "\U0001f984"])
@pytest.mark.parametrize("mode", ["query", "fragment"])
@pytest.mark.parametrize("uri", [REDIRECT_URI, LONG_URI])
def test_no_redirect_is_longer_than_8_kib_and_none_that_fits_is_refused(
    make_site: MakeSite, unit: str, mode: str, uri: str
) -> None:
    site = make_site(OAUTH_TOKEN_PREFIX="a" * 32)
    client = client_of(site, redirect_uris=[uri])
    part = "fragment" if mode == "fragment" else "query"
    fitting, beyond = 0, LIMIT
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        where = location(ask(site, client, state=unit * middle, response_mode=mode))
        assert len(where) <= LIMIT
        found = answer(where, uri, part)
        if "code" in found:
            assert found["state"] == unit * middle
            fitting = middle
        else:
            assert "so long" in refused(where, "invalid_request", redirect_uri=uri, part=part)
            assert "state" not in found
            beyond = middle
    longest = location(ask(site, client, state=unit * fitting, response_mode=mode))
    assert LIMIT - len(longest) < 13, "one more would not have fitted"


def test_an_error_with_a_long_state_is_readable_too(site: Site) -> None:
    client = client_of(site, redirect_uris=[REDIRECT_URI])
    for length in range(7600, 8200, 20):
        where = location(ask(site, client, state="x" * length, scope="nope"))
        assert len(where) <= LIMIT
        found = answer(where)
        assert found["error"] == ("invalid_scope" if "state" in found else "invalid_request")


def test_an_answer_in_a_form_has_a_state_of_up_to_8_kib(site: Site) -> None:
    client = client_of(site, redirect_uris=[REDIRECT_URI])
    page = Page(ask(site, client, state="é" * (LIMIT // 2), response_mode="form_post"))
    assert page.hidden("state") == "é" * (LIMIT // 2)
    assert page.hidden("code")
    page = Page(ask(site, client, state="é" * (LIMIT // 2) + "x", response_mode="form_post"))
    assert page.hidden("error") == "invalid_request"
    assert "state" not in dict(page.fields)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_token_has_room_beside_the_state(make_site: MakeSite, token_format: str) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT=token_format, OAUTH_ISSUER="https://as.example")
    client = client_of(site, redirect_uris=[REDIRECT_URI])
    lengths = []
    for length in range(4000, 8400, 400):
        where = location(ask(site, client, response_type="token", state="x" * length))
        assert len(where) <= LIMIT
        if "access_token" in where:
            lengths.append(length)
    assert 4000 in lengths


def test_a_state_that_is_repeated_or_comes_with_another_fault_is_no_longer_answer(site: Site) -> None:
    client = client_of(site, redirect_uris=[REDIRECT_URI])
    for more in ({"scope": ["a", "b"]}, {"state": ["x" * 9000, "y"]}, {"response_type": "zzz"}):
        where = location(ask(site, client, **{"state": "x" * 9000, **more}))
        assert len(where) <= LIMIT
        assert "state" not in answer(where)
