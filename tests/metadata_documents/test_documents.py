"""A client whose `client_id` is the URL of its document: it is read, believed as far as it may be, and kept."""

import logging
from typing import Any

import pytest

from tests.support.client_documents import ON, DocumentServer, named
from tests.support.hardening import ALL_ON, SIGNER, TOGETHER
from tests.support.site import BOTH, READ, MakeSite, Page, Site, error_page


def test_a_client_that_nobody_registered_signs_a_user_in(site: Site, documents: DocumentServer) -> None:
    client = documents.publish(client_name="Notes & Co", scope=READ, logo_uri="https://notes.example/logo.png")
    page = Page(site.ask(client))
    assert "Notes & Co" in page.text
    tokens = site.tokens(client)
    assert tokens["scope"] == READ
    assert site.me(tokens["access_token"])["client"] == client.client_id  # type: ignore[index]
    assert site.refresh(client, tokens["refresh_token"]).status_code == 200
    assert documents.fetched() == 1


def test_what_a_document_can_not_give_its_client(site: Site, documents: DocumentServer) -> None:
    client = documents.publish(
        skip_consent=True, resource_server=True, plan="gold", attributes={"admin": True}, access_token_lifetime=10**9,
        scope=f"{BOTH} oauth:admin", grant_types=["authorization_code", "client_credentials", "password"], unheard_of=[1],
        tos_uri=None, client_uri="https://notes.example/",
    )  # fmt: skip
    assert site.ask(client).status_code == 200  # the consent page
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert (kept.scope, kept.grant_types) == (BOTH, ["authorization_code"])
    assert not kept.skip_consent
    assert not kept.resource_server
    assert (kept.plan, kept.attributes, kept.access_token_lifetime) == (None, None, None)
    assert (kept.origin, kept.token_endpoint_auth_method) == ("document", "none")


def test_a_document_may_hold_its_client_to_signed_requests_and_bound_tokens(
    make_site: MakeSite, documents: DocumentServer
) -> None:
    site = make_site(**ON, **ALL_ON)
    said = {name: value for name, value in TOGETHER.items() if not name.startswith("tls_client_auth_")}
    client = documents.publish(**said, jwks=SIGNER.jwks(), token_endpoint_auth_method="private_key_jwt")
    site.ask(client)
    kept = site.gateway.clients.get(client.client_id)
    assert kept is not None
    assert {name: getattr(kept, name) for name in said} == said | {"pushed_redirect_uris": False}
    many = documents.publish("/many.json", request_uris=[f"https://notes.example/{number}" for number in range(21)])
    error_page(site.ask(many), "invalid_client")
    assert site.gateway.clients.get(many.client_id) is None


BAD: dict[str, dict[str, Any]] = {
    "Its client_id is 'https://other.example/'": {"client_id": "https://other.example/"},
    "Its client_id is None": {"client_id": None},
    "It has no redirect_uris": {"redirect_uris": None},
    "It has no redirect_uris.": {"redirect_uris": []},
    "redirect_uris is a list": {"redirect_uris": "https://app.example/cb"},
    "It has no client_name": {"client_name": None},
    "client_name is a text": {"client_name": ["Notes"]},
    "It has a client_secret": {"client_secret": "hush"},
    "It has a client_secret_expires_at": {"client_secret_expires_at": 0},
    "Its token_endpoint_auth_method is 'client_secret_basic'": {"token_endpoint_auth_method": "client_secret_basic"},
    "needs a jwks, jwks_uri": {"token_endpoint_auth_method": "private_key_jwt"},
    "jwks can't be used": {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{"kty": "oct", "k": "aaaa"}]},
    },
    "which is no https URL": {"jwks_uri": "http://127.0.0.1/keys"},
    "must be https": {"redirect_uris": ["http://evil.example/"]},
    "holds a fragment": {"redirect_uris": ["https://app.example/cb#x"]},
    "There is no grant type": {"grant_types": ["authorisation_code"]},
    "None of the scopes": {"scope": "unheard of"},
    "logo_uri": {"logo_uri": 5},
}


def test_a_document_that_is_not_good_is_refused_in_words_and_logged_with_the_reason(
    site: Site, documents: DocumentServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    site.app.config["TESTING"] = True
    for number, (why, metadata) in enumerate(BAD.items()):
        client = documents.publish(f"/{number}", **metadata)
        text = error_page(site.ask(client), "invalid_client")
        assert "could not be read" in text
        assert why in caplog.text, (why, caplog.text[-300:])
        caplog.clear()
        assert site.gateway.clients.get(client.client_id) is None


def test_what_is_no_document_is_refused(
    site: Site, documents: DocumentServer, caplog: pytest.LogCaptureFixture
) -> None:
    server, good = documents.server, {"Content-Type": "application/json"}
    answers: list[tuple[str, int, dict[str, str], Any]] = [
        ("the server answered 404", 404, good, {}),
        ("the server answered 500", 500, good, {}),
        ("the server answered 302", 302, {"Location": documents.url("/good"), **good}, {}),
        ("it is text/html, not application/json", 200, {"Content-Type": "text/html"}, {}),
        ("it is text/plain, not application/json", 200, {}, {}),
        ("it is no JSON object", 200, good, []),
        ("it is no JSON", 200, good, b'{"client_id": '),
        ("it is no JSON", 200, {**good, "Content-Encoding": "gzip"}, b"\x1f\x8b" + b"\0" * 100),
        ("it is longer than 16 KiB", 200, good, b" " * 16385),
    ]
    documents.publish("/good")
    for number, (why, server.status, server.headers, says) in enumerate(answers):
        server.places[f"/{number}"] = says
        error_page(site.ask(named(documents.url(f"/{number}"))), "invalid_client")
        assert f"/{number} can't be used: {why}. It is tried again in 1 s." in caplog.text
    assert documents.fetched("/good") == 0


def test_urls_that_no_document_may_have_are_never_fetched(site: Site, documents: DocumentServer) -> None:
    there = documents.url("")
    server = documents.server
    for url in (
        there, f"{there}/a/../b", f"{there}/a/./b", f"{there}/a/%2e%2E/b", f"{there}/%2e", f"{there}/..", f"{there}/a#b",
        there.replace("https://", "https://user@") + "/a", there.replace("https://", "https://user:pw@") + "/a",
        there.replace("https://", "http://") + "/a", there.replace("https://", "HTTPS://") + "/a", f"{there}/a b",
        f"{there}/a\\b", f"{there}/ä", f"{there}/{'a' * 2048}", "https:///a", "https://[/a", "https://x:99999/a",
        "https://", "https:/a",
    ):  # fmt: skip
        error_page(site.ask(named(url)), "invalid_client")
    assert server.requests == []
    for path in ("/", "/a?b=c", "/a/...", "/a//b", "/.well-known/x"):  # these may
        site.ask(documents.publish(path))
        assert documents.fetched(path) == 1, path


def test_a_client_that_is_registered_by_hand_is_never_fetched(site: Site, documents: DocumentServer) -> None:
    by_hand = site.register_public(client_id=documents.url())
    documents.publish(client_name="Somebody else")
    assert "Weather app" in Page(site.ask(by_hand)).text
    assert site.tokens(by_hand)
    assert documents.server.requests == []


def test_without_the_setting_nothing_is_read(make_site: Any, documents: DocumentServer) -> None:
    site = make_site()
    text = error_page(site.ask(documents.publish()), "invalid_client")
    assert "is not known" in text
    assert documents.server.requests == []
    assert (
        "client_id_metadata_document_supported"
        not in site.browser.get("/.well-known/oauth-authorization-server").get_json()
    )


def test_the_metadata_say_that_documents_are_read(make_site: Any) -> None:
    site = make_site(OAUTH_CLIENT_ID_METADATA=True, OAUTH_OIDC=True)
    for name in ("oauth-authorization-server", "openid-configuration"):
        assert site.browser.get(f"/.well-known/{name}").get_json()["client_id_metadata_document_supported"] is True
