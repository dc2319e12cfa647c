"""What the programs in use send when they register, and where they are then sent back: each registers and finishes."""

from typing import Any

import pytest

from tests.support.app import refusal, server_of
from tests.support.registering import OPEN, as_client, manage, refused, register, registered
from tests.support.site import BOTH, DEVICE_CODE, MakeSite, Page, Site, answer, error_page, granted, location

BOTH_GRANTS = ["authorization_code", "refresh_token"]
#: The body of a program's registration, and a redirect URI that it then asks with.
RECORDED: dict[str, tuple[dict[str, Any], str]] = {
    "Claude": (
        {
            "client_name": "Claude",
            "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
            "grant_types": BOTH_GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post",
        },
        "https://claude.ai/api/mcp/auth_callback",
    ),
    "Claude Code": (
        {
            "client_name": "Claude Code (weather)",
            "redirect_uris": ["http://localhost:3118/callback"],
            "grant_types": BOTH_GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        },
        "http://localhost:50001/callback",
    ),
    "ChatGPT": (
        {
            "client_name": "ChatGPT",
            "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
            "grant_types": BOTH_GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        },
        "https://chatgpt.com/connector_platform_oauth_redirect",
    ),
    "Codex": (
        {
            "client_name": "Codex",
            "redirect_uris": ["http://127.0.0.1:37819/callback/6MFBM1In3Ey-"],
            "grant_types": BOTH_GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        },
        "http://127.0.0.1:37819/callback/6MFBM1In3Ey-",
    ),
    "VS Code": (
        {
            "client_name": "Visual Studio Code",
            "client_uri": "https://code.visualstudio.com",
            "redirect_uris": [
                "https://insiders.vscode.dev/redirect",
                "https://vscode.dev/redirect",
                "http://127.0.0.1/",
                "http://127.0.0.1:33418/",
            ],
            "grant_types": [*BOTH_GRANTS, DEVICE_CODE],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        },
        "http://127.0.0.1:33419/",
    ),
    "Cursor": (
        {
            "client_name": "Cursor",
            "redirect_uris": [
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "https://www.cursor.com/agents/mcp/oauth/callback",
                "http://localhost:8787/callback",
            ],
            "grant_types": BOTH_GRANTS,
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "web",
        },
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ),
}


@pytest.fixture
def open_site(make_site: MakeSite) -> Site:
    return make_site(**OPEN, OAUTH_GRANT_TYPES=BOTH_GRANTS)


@pytest.mark.parametrize("name", RECORDED)
def test_it_registers_and_finishes(open_site: Site, name: str) -> None:
    site, (body, uri) = open_site, RECORDED[name]
    found = registered(site.app.test_client(), **body)
    assert found["grant_types"] == BOTH_GRANTS
    for member in ("client_name", "redirect_uris", "response_types", "token_endpoint_auth_method"):
        assert found[member] == body[member]
    assert found["scope"] == BOTH
    client = as_client(site.app, found)
    page = Page(site.ask(client, redirect_uri=uri))
    assert "This application was not checked by us." in page.text
    is_here = "Any program on this device could pretend to be this application." in page.text
    assert is_here is not uri.startswith("https:")
    code = answer(location(site.send(page)), uri)["code"]
    tokens = granted(site.redeem(client, code, redirect_uri=uri))
    tokens = granted(site.refresh(client, tokens["refresh_token"]))
    assert site.me(tokens["access_token"]) is not None
    for other in body["redirect_uris"]:
        assert "code" in answer(site.approve(client, redirect_uri=other), other)
    stored = server_of(site.app).clients.load(client.client_id)
    assert stored is not None
    assert stored.used_at is not None
    assert manage(site.app.test_client(), "DELETE", found).status_code == 204
    refusal(site.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
    assert "connect again" in error_page(site.ask(client, redirect_uri=uri), "invalid_client")


def test_codex_asking_with_localhost_is_told_whose_mistake_that_is(open_site: Site) -> None:
    client = as_client(open_site.app, registered(open_site.app.test_client(), **RECORDED["Codex"][0]))
    wrong = "http://localhost:37819/callback/6MFBM1In3Ey-"
    assert "That is a mistake in the program" in error_page(
        open_site.ask(client, redirect_uri=wrong), "invalid_request"
    )


def test_cursor_is_refused_as_a_whole_where_its_scheme_is_not_allowed_and_the_answer_names_it(
    make_site: MakeSite,
) -> None:
    site = make_site(**OPEN, OAUTH_REDIRECT_SCHEMES=())
    why = refused(register(site.app.test_client(), **RECORDED["Cursor"][0]), "invalid_redirect_uri")
    assert "cursor://anysphere.cursor-mcp/oauth/callback" in why
    assert server_of(site.app).clients.list() == []
