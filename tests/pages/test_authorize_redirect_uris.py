"""`/oauth/authorize`: which redirect URIs fit a registered one (RFC 9700 section 2.1, RFC 8252 section 7.3)."""

import pytest

from tests.support.app import refusal
from tests.support.listed import for_each
from tests.support.processor_time import takes_longer
from tests.support.site import Site, answer, error_page, granted, refused

LOOPBACK = ["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "http://127.0.0.1:8080/cb"]


@pytest.mark.parametrize("registered", LOOPBACK)
def test_a_loopback_address_may_have_any_port(site: Site, registered: str) -> None:
    host = registered.removeprefix("http://").partition("/")[0].removesuffix(":8080")

    def is_taken(uri: str) -> None:
        client = site.register_public(redirect_uris=[registered])
        code = answer(site.approve(client, redirect_uri=uri), uri)["code"]
        other = "http://127.0.0.1:2/cb"
        # the client names the very same address again, port and all
        refusal(site.redeem(client, code, redirect_uri=other), 400, "invalid_grant")
        code = answer(site.approve(client, redirect_uri=uri), uri)["code"]
        granted(site.redeem(client, code, redirect_uri=uri))

    uris = [f"http://{host}{port}/cb" for port in ("", ":1", ":80", ":8080", ":49152", ":65535")]
    for_each({uri: (uri,) for uri in uris}, is_taken)


@pytest.mark.parametrize("registered", LOOPBACK)
def test_nothing_else_of_a_loopback_address_may_differ(site: Site, registered: str) -> None:
    client = site.register_public(redirect_uris=[registered, "https://app.example/cb"])
    for host in ("127.0.0.1", "[::1]", "localhost", "LOCALHOST", "127.0.0.2", "localhost.", "0.0.0.0", "[::]"):  # noqa: S104
        for rest in ("/cb/", "/CB", "/", "", "/cb?a", "/cb#a", "/%63b", "//cb", "/cb;a"):
            error_page(site.ask(client, redirect_uri=f"http://{host}:5000{rest}"), "invalid_request")
        if host != registered.removeprefix("http://").partition("/")[0].removesuffix(":8080"):
            error_page(site.ask(client, redirect_uri=f"http://{host}:5000/cb"), "invalid_request")
        error_page(site.ask(client, redirect_uri=f"https://{host}:5000/cb"), "invalid_request")


def test_who_registers_one_name_of_this_machine_and_asks_with_another_is_told_that_it_is_the_program_s_mistake(
    site: Site,
) -> None:
    client = site.register_public(redirect_uris=["http://127.0.0.1:1455/auth/callback", "https://app.example/cb"])
    for uri in ("http://localhost:1455/auth/callback", "http://[::1]:9/auth/callback"):
        page = error_page(site.ask(client, redirect_uri=uri), "invalid_request")
        assert "it calls this device by another name, such as localhost for 127.0.0.1." in page
    for uri in (
        "http://localhost:1455/other",
        "https://localhost:1455/auth/callback",
        "https://app.example/auth/callback",
    ):
        assert "mistake" not in error_page(site.ask(client, redirect_uri=uri), "invalid_request")


def test_a_mixture_of_addresses_may_be_used_one_by_one(site: Site) -> None:
    """As editors register them: on the web, on loopback with the port of the moment, by their own scheme."""
    uris = [
        "https://vscode.dev/redirect",
        "http://localhost/cb",
        "http://127.0.0.1:33418/",
        "cursor://anysphere.cursor-mcp/cb",
    ]
    client = site.register_public(redirect_uris=uris, application_type="web")
    for uri in (*uris, "http://localhost:50001/cb", "http://127.0.0.1:33419/", "http://127.0.0.1/"):
        code = answer(site.approve(client, redirect_uri=uri), uri)["code"]
        granted(site.redeem(client, code, redirect_uri=uri))


def test_an_app_s_own_scheme_fits_byte_by_byte(site: Site) -> None:
    uri = "com.example.app:/cb"
    client = site.register_public(redirect_uris=[uri])
    assert "code" in answer(site.approve(client, redirect_uri=uri), uri)
    for other in ("com.example.app:/cb2", "COM.example.app:/cb", "com.example.app://cb", "com.example.app2:/cb"):
        error_page(site.ask(client, redirect_uri=other), "invalid_request")


def test_an_only_address_need_not_be_named_and_then_not_at_the_token_endpoint(site: Site) -> None:
    client = site.register()
    code = site.code(client, redirect_uri=None)
    granted(site.redeem(client, code, redirect_uri=None))
    granted(site.redeem(client, site.code(client, redirect_uri=None)))  # naming the right one does no harm
    code = site.code(client, redirect_uri=None)
    refusal(site.redeem(client, code, redirect_uri="https://app.example/other"), 400, "invalid_grant")
    refused(site.approve(client, redirect_uri=None, scope="nope"), "invalid_scope")


def test_of_several_addresses_one_must_be_named(site: Site) -> None:
    client = site.register(redirect_uris=["https://app.example/cb", "https://app.example/cb2"])
    for uri in client.redirect_uris:
        assert "code" in answer(site.approve(client, redirect_uri=uri), uri)
    assert "redirect_uri" in error_page(site.ask(client, redirect_uri=None), "invalid_request")


def test_a_client_without_any_address_is_sent_nowhere(site: Site) -> None:
    client = site.register(redirect_uris=[], grant_types=["client_credentials"])
    for uri in (None, "", "https://app.example/cb", "http://127.0.0.1/cb"):
        error_page(site.ask(client, redirect_uri=uri), "invalid_request")


def test_a_client_that_may_not_use_the_flow_is_told_at_its_own_address(site: Site) -> None:
    client = site.register(grant_types=["client_credentials"])
    refused(site.approve(client), "unauthorized_client")


@pytest.mark.parametrize(
    "uri",
    ["https://app.example/" + "a" * 100_000, "http://[::" + ":" * 100_000, "http://" + "1." * 50_000, "a" * 100_000],
)
def test_an_address_without_end_is_refused_at_once(site: Site, uri: str) -> None:
    client = site.register_public(redirect_uris=["http://127.0.0.1/cb"])

    def ask() -> None:
        answer = site.browser.post("/oauth/authorize", data={"client_id": client.client_id, "redirect_uri": uri})
        error_page(answer, "invalid_request")

    assert not takes_longer(ask, seconds=0.1)
