"""Web apps on Node.js sign alice in, each with a library of npm that is used as its own page says.

They are in `node/relying_parties/`, and each shows what it has learned of her, after it checked that in its own way.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Form, Server, Walker

SCRIPTS = Path(__file__).parent / "node"
OPENID = "openid profile email"
CODE = ("authorization_code", "refresh_token")
#: What each one must be registered with, beside its redirect URIs (here without the address).
REGISTERED: dict[str, dict[str, Any]] = {
    "openid_client": {"redirect_uris": ["/callback", "/hybrid/callback"], "grant_types": [*CODE, "implicit"]},
    "openid_client_encrypted": {
        "redirect_uris": ["/callback"],
        "jwks_uri": "/jwks",
        "id_token_signed_response_alg": "ES256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_signed_response_alg": "PS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A256GCM",
    },
    "oauth4webapi": {"redirect_uris": ["/callback"]},
    "express_openid_connect": {
        "redirect_uris": ["/plain/callback", "/code/callback", "/told/callback"],
        "post_logout_redirect_uris": ["/code"],
        "backchannel_logout_uri": "/told/backchannel-logout",
        "grant_types": [*CODE, "implicit"],
        "id_token_claims": "all",
    },
    "auth_js": {"redirect_uris": ["/auth/callback/gateway"], "id_token_claims": "all"},
    "passport": {"redirect_uris": ["/callback"], "require_pkce": False},
}

pytestmark = pytest.mark.node


class Parties:
    """The web apps, by name: their addresses, and the clients that they are."""

    def __init__(self, urls: dict[str, str], clients: dict[str, Any]) -> None:
        self.urls = urls
        self.clients = clients


@pytest.fixture(scope="module")
def parties(provider: Server) -> Iterator[Parties]:
    with subprocess.Popen(
        ["node", "--no-deprecation", "relying_parties.mjs", *REGISTERED],
        cwd=SCRIPTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        clients = {}
        for name, metadata in REGISTERED.items():
            at: dict[str, Any] = {
                each: [urls[name] + path for path in metadata[each]] for each in metadata if each.endswith("_uris")
            }
            at |= {each: urls[name] + metadata[each] for each in metadata if each.endswith("_uri")}
            clients[name] = provider.register(**{"grant_types": CODE, "scope": OPENID} | metadata | at)
        setup = {
            name: {"issuer": provider.url, "client_id": each.client_id, "client_secret": each.client_secret}
            for name, each in clients.items()
        }
        process.stdin.write(json.dumps(setup) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) is True
        yield Parties(urls, clients)
        process.stdin.close()


@pytest.mark.parametrize("library", ["openid_client", "oauth4webapi"])
def test_a_library_that_checks_everything(library: str, parties: Parties, provider: Server, alice: Walker) -> None:
    told = alice.browse(f"{parties.urls[library]}/login").json()
    claims, userinfo = told["claims"], told["userinfo"]
    assert (claims["iss"], claims["sub"], claims["aud"]) == (provider.url, "alice", parties.clients[library].client_id)
    assert claims["auth_time"] <= claims["iat"]
    assert userinfo == {"sub": "alice", "name": "Alice", "email": "alice@example.com"}
    same = ("iss", "sub", "aud", "auth_time")
    assert {name: told["refreshed"][name] for name in same} == {name: claims[name] for name in same}


def test_a_library_that_decrypts_what_it_is_told(parties: Parties, provider: Server, alice: Walker) -> None:
    told = alice.browse(f"{parties.urls['openid_client_encrypted']}/login").json()
    assert (told["claims"]["iss"], told["claims"]["sub"]) == (provider.url, "alice")
    assert (told["userinfo"]["sub"], told["userinfo"]["email"]) == ("alice", "alice@example.com")


def test_a_library_that_checks_a_code_and_an_id_token_at_once(parties: Parties, alice: Walker) -> None:
    page = alice.browse(f"{parties.urls['openid_client']}/hybrid/login")
    form = Form(page)  # which a browser sends by itself, or at a press of its button
    assert form.action == f"{parties.urls['openid_client']}/hybrid/callback"
    told = alice.browser.post(form.action, data=form.fields).json()
    assert told["claims"]["sub"] == told["userinfo"]["sub"] == told["refreshed"]["sub"] == "alice"


def test_express_openid_connect_with_a_code(parties: Parties, alice: Walker) -> None:
    told = alice.browse(f"{parties.urls['express_openid_connect']}/code/login").json()
    assert told["claims"]["email"] == told["userinfo"]["email"] == "alice@example.com"


def test_express_openid_connect_signs_out_here_too(parties: Parties, provider: Server, alice: Walker) -> None:
    url = f"{parties.urls['express_openid_connect']}/code"
    alice.browse(f"{url}/login")
    page = alice.browser.get(f"{url}/logout")  # which goes by way of the server, and comes back
    assert [each.url.partition("?")[0] for each in page.history] == [f"{url}/logout", f"{provider.url}/oauth/logout"]
    assert page.url == url
    assert page.json() == {}
    assert 'name="password"' in alice.browser.get(f"{url}/login").text, "nobody is signed in at the server"


def test_express_openid_connect_as_it_comes(parties: Parties, alice: Walker) -> None:
    page = alice.browse(f"{parties.urls['express_openid_connect']}/plain/login")
    form = Form(page)
    assert form.action == f"{parties.urls['express_openid_connect']}/plain/callback"
    told = alice.browser.post(form.action, data=form.fields).json()
    assert (told["claims"]["sub"], told["claims"]["name"]) == ("alice", "Alice")


def test_express_openid_connect_is_told_of_a_sign_out(parties: Parties, provider: Server, alice: Walker) -> None:
    url = f"{parties.urls['express_openid_connect']}/told"
    assert alice.browse(f"{url}/login").json()["claims"]["sub"] == "alice"
    assert alice.browser.get(url).json()["claims"]["sid"]
    alice.sign_out(provider.url)
    until = time.monotonic() + 60
    while "claims" in alice.browser.get(url).json():
        assert time.monotonic() < until, "it was not told"
        time.sleep(0.05)


def test_auth_js(parties: Parties, alice: Walker) -> None:
    url = parties.urls["auth_js"]
    token = alice.browser.get(f"{url}/auth/csrf").json()["csrfToken"]
    form = {"csrfToken": token, "callbackUrl": url}
    sent = alice.browser.post(f"{url}/auth/signin/gateway", data=form, allow_redirects=False)
    assert alice.browse(sent.headers["Location"]).json()["user"] == {"name": "Alice", "email": "alice@example.com"}


def test_passport_openidconnect(parties: Parties, provider: Server, alice: Walker) -> None:
    told = alice.browse(f"{parties.urls['passport']}/login").json()
    assert told["issuedBy"] == provider.url
    assert (told["profile"]["id"], told["profile"]["displayName"]) == ("alice", "Alice")
