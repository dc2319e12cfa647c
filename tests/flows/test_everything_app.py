"""An app with every popular extension, walked through in Chromium: nobody told any of them that there is a gateway."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.flows.everything_app import CALLBACK, LIMIT, PASSWORD
from tests.support.browser import DESKTOP, PATIENCE, PHONE, Browser, open_page
from tests.support.ports import free_port
from tests.support.processes import ended, python
from tests.support.site import DEVICE_CODE, VERIFIER, challenge_of

pytestmark = pytest.mark.chromium


class Everything:
    """The app as it is served, and its clients."""

    def __init__(self, url: str, client: dict[str, str], broken: dict[str, str]) -> None:
        self.url = url
        self.client = client
        self.broken = broken

    def request_for(self, **parameters: str) -> str:
        query = {
            "client_id": self.client["client_id"],
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.url}/oauth/authorize?{urlencode(query | parameters)}"

    def post(self, path: str, **form: str) -> requests.Response:
        return requests.post(self.url + path, data=self.client | form)

    def weather(self, token: str) -> requests.Response:
        return requests.get(f"{self.url}/weather", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    port = free_port()
    process = python("-m", "tests.flows.everything_app", str(port), str(tmp_path_factory.mktemp("everything")))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield Everything(f"http://127.0.0.1:{port}", *json.loads(line))
    finally:
        ended(process)


def came_back(page: Page, button: str) -> dict[str, list[str]]:
    """What the browser brings to the client after a button."""
    with page.expect_request(f"{CALLBACK}?*") as arrived:
        page.get_by_role("button", name=button).click()
    return parse_qs(urlsplit(arrived.value.url).query)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_person_walks_through_it(everything: Everything, browser: Browser, size: dict[str, int]) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints, viewport=size, locale="en")
    page.set_default_timeout(PATIENCE)
    page.route("https://app.example/**", lambda route: route.fulfill(body="<title>Back</title>"))

    page.goto(everything.request_for(prompt="consent"))  # sign in, on Flask-Security's page
    assert urlsplit(page.url).path == "/login"
    page.locator("input[name=email]").fill("alice@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[type=submit]").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Weather board wants access to your")
    complaints.clear()  # the sign-in page has inline style, which Talisman's own policy forbids
    expect(page.get_by_text("alice@example.com")).to_be_visible()
    answer = came_back(page, "Allow")
    expect(page).to_have_title("Back")
    token = everything.post(
        "/oauth/token",
        grant_type="authorization_code",
        code=answer["code"][0],
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    ).json()
    assert everything.weather(token["access_token"]).json()["for"] == everything.client["client_id"]

    page.goto(everything.request_for(prompt="consent"))
    assert came_back(page, "Refuse")["error"] == ["access_denied"]
    page.goto(everything.request_for(prompt="consent", response_mode="form_post"))
    with page.expect_request(CALLBACK) as posted:
        page.get_by_role("button", name="Allow").click()
    assert "code=" in (posted.value.post_data or "")

    codes = everything.post("/oauth/device_authorization").json()
    page.goto(f"{everything.url}/oauth/device")
    page.get_by_label("The code that your device shows").fill(codes["user_code"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Device connected")
    device = everything.post("/oauth/token", grant_type=DEVICE_CODE, device_code=codes["device_code"]).json()
    assert everything.weather(device["access_token"]).status_code == 200

    page.goto(f"{everything.url}/oauth/applications")
    page.get_by_role("button", name="Take back access").click()
    expect(page.get_by_text("No application has access to your account.")).to_be_visible()
    assert everything.weather(token["access_token"]).status_code == 401

    page.goto(f"{everything.url}/oauth/admin/clients/new")
    page.get_by_role("link", name="Machine").click()
    page.get_by_label("Name", exact=True).fill(f"Made by hand, {size['width']}")
    page.get_by_role("button", name="Register").click()
    page.get_by_text("The secret is shown this one time").wait_for()
    for path in ("", "clients", "tokens", "audit"):
        page.goto(f"{everything.url}/oauth/admin/{path}")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
    browser.run(page.context.close)
    assert complaints == []


def test_each_extension_does_its_work_beside_the_gateway(everything: Everything) -> None:
    page = requests.get(everything.request_for(client_id="nobody"), headers={"Accept-Language": "de"})
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in policy  # ours
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Permissions-Policy"]  # Talisman's
    assert "nicht mehr bekannt" in page.text  # Babel's
    api = requests.options(f"{everything.url}/weather", headers={"Origin": "https://any.example"})
    assert api.headers["Access-Control-Allow-Origin"]  # flask-cors'
    own = requests.post(f"{everything.url}/login", data={"email": "alice@example.com", "password": PASSWORD})
    assert "CSRF" in own.text  # CSRFProtect guards the app's own forms
    proxied = requests.get(
        f"{everything.url}/.well-known/oauth-authorization-server", headers={"X-Forwarded-Proto": "https"}
    )
    assert proxied.headers["Content-Encoding"] in ("gzip", "br", "zstd")  # Compress'
    assert proxied.json()["token_endpoint"].startswith("https://127.0.0.1:")  # ProxyFix'
    seen = requests.get(f"{everything.url}/seen").json()
    assert "GET /oauth/authorize" in seen["spans"]  # OpenTelemetry's
    assert seen["sentry"] == []  # a refusal is no error of the app's
    failed = requests.post(
        f"{everything.url}/oauth/token", data={"grant_type": "client_credentials"} | everything.broken
    )
    assert (failed.status_code, failed.json()["error"]) == (500, "server_error")
    told = " ".join(requests.get(f"{everything.url}/seen").json()["sentry"])
    assert "a bug of the app's" in told  # Sentry's
    assert everything.broken["client_secret"] not in told


def test_a_limit_of_the_app_s_is_said_as_the_gateway_says_its_own(everything: Everything) -> None:
    def answer() -> Any:
        return everything.post("/oauth/token", grant_type="client_credentials")

    last = next(each for each in (answer() for _ in range(LIMIT + 1)) if each.status_code == 429)
    assert last.json()["error"] == "temporarily_unavailable"
    assert last.headers["Cache-Control"] == "no-store"
    assert 0 < int(last.headers["Retry-After"]) <= 60
