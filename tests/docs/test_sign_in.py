"""The pages of docs/sign-in: what each registers and says to paste is right, and what that program asks is answered."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.docs.accounts import DOCS, Accounts, accounts_in, arrive
from tests.docs.pages import BLOCK

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.joinpath("sign-in").glob("*.md"))}
#: Where the pages say that the app is.
ACCOUNTS = "https://accounts.example.com"
VERIFIER = "v" * 64


@dataclass
class Program:
    """How a program signs its users in, where it is set up as its page says."""

    redirect_uri: str
    sends_nonce: bool
    sends_pkce: bool = True
    secret_in_body: bool = False
    #: Where it looks for the user's name and email address.
    reads: str = "userinfo"


PROGRAMS = {
    "apache": Program("https://intranet.example/signed-in", sends_nonce=True),
    "django": Program("https://shop.example/oidc/callback/", sends_nonce=True, secret_in_body=True),
    "gitlab": Program("https://gitlab.example/users/auth/openid_connect/callback", sends_nonce=True),
    "grafana": Program("https://grafana.example/login/generic_oauth", sends_nonce=False),
    "nextjs": Program("https://www.example/api/auth/callback/accounts", sends_nonce=False, reads="id_token"),
    "oauth2-proxy": Program("https://wiki.example/oauth2/callback", sends_nonce=True),
}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with accounts_in(tmp_path_factory.mktemp("accounts")) as accounts:
        yield accounts


def test_each_page_has_its_program() -> None:
    assert PAGES.keys() == PROGRAMS.keys()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_its_reader_looks_for(name: str) -> None:
    headings = re.findall(r"^## (.*)$", PAGES[name], re.MULTILINE)
    assert headings == ["Register it", "Settings", "What it needs", "Tried"]


@pytest.mark.parametrize("name", PAGES)
def test_the_addresses_to_paste_are_those_of_the_server(name: str, accounts: Accounts) -> None:
    command = re.findall(r"^\$ flask oauth client create .* --redirect-uri (\S+)", PAGES[name], re.MULTILINE)
    assert command == [PROGRAMS[name].redirect_uri]
    metadata = accounts.metadata()
    known = {str(each).replace(accounts.url, ACCOUNTS) for each in metadata.values()}
    known |= {ACCOUNTS, f"{ACCOUNTS}/.well-known/openid-configuration"}
    pasted = "\n".join(text for kind, text in BLOCK.findall(PAGES[name]) if kind != "console")
    found = set(re.findall(rf"{re.escape(ACCOUNTS)}[^\s\"'?]*", pasted))
    assert found
    assert found <= known


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_the_program_asks_is_answered(name: str, accounts: Accounts) -> None:
    program, metadata = PROGRAMS[name], accounts.metadata()
    client_id, client_secret = accounts.register(PAGES[name])
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": program.redirect_uri,
        "scope": "openid profile email",
        "state": "its own",
    }
    query |= {"nonce": "once"} if program.sends_nonce else {}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256"} if program.sends_pkce else {}
    brought = answer_to(
        accounts.browser, f"{metadata['authorization_endpoint']}?{urlencode(query)}", program.redirect_uri
    )
    assert brought["state"] == "its own"

    form = {"grant_type": "authorization_code", "code": brought["code"], "redirect_uri": program.redirect_uri}
    form |= {"code_verifier": VERIFIER} if program.sends_pkce else {}
    secret = {"client_id": client_id, "client_secret": client_secret}
    tokens = requests.post(
        metadata["token_endpoint"],
        data=form | (secret if program.secret_in_body else {}),
        auth=None if program.secret_in_body else (client_id, client_secret),
    ).json()
    assert "refresh_token" in tokens
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
    id_token = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    assert (id_token["iss"], id_token["aud"], id_token["sub"]) == (accounts.url, client_id, "alice")
    assert id_token.get("nonce") == ("once" if program.sends_nonce else None)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    user = (
        id_token if program.reads == "id_token" else requests.get(metadata["userinfo_endpoint"], headers=headers).json()
    )
    assert (user["sub"], user["name"], user["email"]) == ("alice", "Alice Liddell", "alice@example.com")


def answer_to(browser: requests.Session, url: str, redirect_uri: str) -> dict[str, str]:
    """Alice signs in and allows; what her browser would bring to the program, whose address is nobody's."""
    browser.hooks["response"] = [stop_at(redirect_uri)]
    try:
        page = arrive(browser, url)
    finally:
        browser.hooks["response"] = []
    return {name: values[0] for name, values in parse_qs(urlsplit(page.headers["X-Sent-To"]).query).items()}


def stop_at(redirect_uri: str) -> Any:
    """Makes a redirect to an address an end: a header has it instead."""

    def look(response: requests.Response, **_: Any) -> None:
        if response.headers.get("Location", "").startswith(redirect_uri):
            response.headers["X-Sent-To"] = unescape(response.headers.pop("Location"))

    return look
