"""oidc-client-ts in Chromium: a page without a server of its own signs alice in, stays signed in, and signs her out.

The page and the provider are two origins of one site, each with TLS: a frame of the one has the cookies of the other, and a
redirect URI that no other program on the machine could have.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, send_file
from playwright.sync_api import Page, expect

from tests.support.app import bare_app, close_app, gateway_of
from tests.support.browser import DOMAIN, PATIENCE, Browser, open_page
from tests.support.serving import Server, build_server, serving

LIBRARY = (
    Path(__file__).parent / "node" / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
)
#: One page for everything that a browser is sent back to: the window itself, and the frame of a silent renewal.
PAGE = """<!doctype html><html lang="en"><title>The app</title><script src="/oidc.js"></script><script>
const settings = SETTINGS;
const manager = new oidc.UserManager({...settings, userStore: new oidc.WebStorageStateStore({store: sessionStorage})});
if (window !== parent) manager.signinSilentCallback();
else if (location.pathname === "/signed-out") manager.signoutRedirectCallback().then(() => { document.title = "Signed out"; });
else if (location.search.includes("code=")) manager.signinRedirectCallback().then(() => { document.title = "Signed in"; });
</script><button onclick="manager.signinRedirect()">Sign in</button>
<button onclick="manager.signoutRedirect()">Sign out</button>"""

pytestmark = [pytest.mark.chromium, pytest.mark.node]


def build(provider: Server, url: str) -> Flask:
    """The page's server, and its registration: a public client, as it can keep no secret."""
    registered = provider.register(
        "authorization_code",
        "refresh_token",
        redirect_uris=[f"{url}/"],
        post_logout_redirect_uris=[f"{url}/signed-out"],
        scope="openid profile email",
        token_endpoint_auth_method="none",
    )
    app = bare_app("page")
    settings = app.json.dumps(
        {
            "authority": provider.url,
            "client_id": registered.client_id,
            "redirect_uri": f"{url}/",
            "silent_redirect_uri": f"{url}/",
            "post_logout_redirect_uri": f"{url}/signed-out",
            "scope": "openid profile email",
            "loadUserInfo": True,
            "automaticSilentRenew": False,
        }
    )
    app.add_url_rule("/", "page", lambda: PAGE.replace("SETTINGS", settings))
    app.add_url_rule("/signed-out", "signed_out", lambda: PAGE.replace("SETTINGS", settings))
    app.add_url_rule("/oidc.js", "library", lambda: send_file(LIBRARY))
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    return app


@pytest.fixture
def app_url(tmp_path: Path) -> Iterator[str]:
    """The page's address."""
    instance = str(tmp_path / "instance")
    with serving(
        lambda url: build_server(url, instance_path=instance, OAUTH_OIDC=True), tls_host=f"accounts.{DOMAIN}"
    ) as (at, app):
        gateway_of(app).user_claims(lambda user, _: {"name": user.name, "email": f"{user.id}@example.com"})
        with serving(lambda url: build(Server(at, app), url), tls_host=f"app.{DOMAIN}") as (url, _):
            yield url
    close_app(app)


def user(page: Page, expression: str) -> dict[str, Any]:
    """What the library knows of the user whom a promise of it is for."""
    told: dict[str, Any] = page.evaluate(
        f"""async () => {{
            const user = await ({expression});
            return {{profile: user.profile, access: user.access_token, refresh: user.refresh_token, id: user.id_token}};
        }}"""
    )
    return told


def test_a_page_signs_in_stays_signed_in_and_signs_out(app_url: str, browser: Browser) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints, ignore_https_errors=True)
    page.set_default_timeout(PATIENCE)
    page.goto(app_url)
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=username]").fill("alice")
    page.locator("input[name=password]").fill("alice")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Allow").click()
    expect(page).to_have_title("Signed in")  # evaluates nothing on the pages between, whose policy forbids that
    first = user(page, "manager.getUser()")
    assert (first["profile"]["sub"], first["profile"]["email"]) == ("alice", "alice@example.com")

    refreshed = user(page, "manager.signinSilent()")
    assert refreshed["refresh"] not in (None, first["refresh"])
    assert refreshed["profile"]["sub"] == "alice"

    page.evaluate(
        "manager.getUser().then((user) => { user.refresh_token = undefined; return manager.storeUser(user); })"
    )
    framed = user(page, "manager.signinSilent()")  # a hidden frame now, with prompt=none
    assert framed["id"] not in (first["id"], refreshed["id"])
    assert framed["profile"]["sub"] == "alice"

    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Signed out")
    assert urlsplit(page.url)._replace(query="").geturl() == f"{app_url}/signed-out"
    assert page.evaluate("manager.getUser()") is None
    assert page.evaluate("manager.signinSilent().then(() => 'signed in', (error) => error.error)") == "login_required"
    browser.run(page.context.close)
    assert complaints == []
