"""What stands in the pages: escaped, under a strict policy, at any address, and the app's own where it has them."""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_oauth_gateway.pages.rendering import address, plain
from tests.support.app import close_app
from tests.support.looker import CALLBACK, Looker, every_page, hidden, signed_in
from tests.support.served_site import SCOPES, build_site

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7654321*3 }}"


@pytest.fixture
def make_looker(tmp_path: Path) -> Any:
    apps: list[Flask] = []

    def make_looker(**config: Any) -> Looker:
        site = build_site(instance_path=str(tmp_path / "instance"), TESTING=True, **config)
        apps.append(site.app)
        return Looker(site, signed_in(site.app))

    yield make_looker
    for app in apps:
        close_app(app)


@pytest.fixture
def looker(make_looker: Callable[..., Looker]) -> Looker:
    return make_looker()


def test_every_page_has_its_headers(looker: Looker) -> None:
    for name, page in every_page(looker).items():
        assert page.status_code == (400 if name == "error" else 200), name
        assert page.content_type == "text/html; charset=utf-8"
        policy = page.headers["Content-Security-Policy"]
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert directives.pop("form-action", None) == (None if name == "form_post" else "'self'")
        assert directives == {
            "default-src": "'none'",
            "style-src": "'self'",
            "script-src": "'self'",
            "img-src": "'self'",
            "font-src": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_has_script_or_style_of_its_own(looker: Looker) -> None:
    for name, page in every_page(looker).items():
        assert not re.search(r"<style|\bstyle=|\bon\w+=|<script(?! src=)", page.text), name
        assert page.text.startswith("<!doctype html>"), name
        assert page.text.count("<h1") == page.text.count("<main") == 1, name
        assert re.search(r"<title>\w", page.text), name


def test_what_clients_and_people_wrote_is_text(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker(OAUTH_SCOPES={"weather:read": EVIL, "<b>x</b>": ""}, OAUTH_REQUIRED_SCOPES=[])
    client = looker.site.register(
        client_name=EVIL,
        owner=EVIL,
        scope=["weather:read", "<b>x</b>"],
        client_uri=f"https://weather.example/{EVIL}",
        policy_uri=f"https://weather.example/{EVIL}",
        tos_uri=f"https://weather.example/{EVIL}",
        redirect_uris=[f"{CALLBACK}?<script>alert(1)</script>\"'>"],
    )
    consent = looker.consent(client, state=EVIL)
    form_post = looker.consent(client, state=EVIL, response_mode="form_post")
    form_post = looker.allow(form_post, looker.site.request_for(client, state=EVIL, response_mode="form_post"))
    confirm = looker.device(looker.site.start_device(client)["user_code"])
    pages = {
        "consent": consent,
        "form_post": form_post,
        "applications": looker.http.get("/oauth/applications"),
        "typed": looker.http.get("/oauth/device", query_string={"user_code": EVIL}),
        "wrong": looker.device(EVIL),
        "confirm": confirm,
        "error": looker.http.get("/oauth/authorize", query_string={"client_id": EVIL}),
        "control": looker.http.get("/oauth/authorize?" + "%3Cscript%3Ealert(1)%3C/script%3E=%01"),
    }
    for name, page in pages.items():
        assert page.mimetype == "text/html", name
        assert not re.search(r"<script(?! src=)|<img|<b>x|22962963|onerror=\S*alert\(1\)>(?!&)", page.text), name
    assert "&lt;script&gt;alert(1)" in consent.text
    assert "&lt;script&gt;" in form_post.text
    assert "&lt;script&gt;" in pages["typed"].text
    assert "&lt;script&gt;" in pages["control"].text


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("https://app.example/cb?x=1", ("https://", "app.example", "/cb?x=1")),
        ("https://app.example:8443", ("https://", "app.example:8443", "")),
        ("https://accounts.good.example.evil.example/", ("https://", "accounts.good.example.evil.example", "/")),
        ("https://evil.example?good.example/", ("https://", "evil.example", "?good.example/")),
        ("http://[::1]:80/cb", ("http://", "[::1]:80", "/cb")),
        ("com.example.app:/cb", ("", "com.example.app", ":/cb")),
        ("https://evil.example\\.good.example/", ("", "", "https://evil.example\\.good.example/")),
        ("https://good.example@evil.example/", ("", "", "https://good.example@evil.example/")),
    ],
)
def test_an_address_says_whose_it_is_as_a_browser_reads_it(uri: str, parts: tuple[str, str, str]) -> None:
    assert address(uri)[1:] == parts


@pytest.mark.parametrize(
    "uri", ["https://g\u043e\u043egle.example/", "https://x.example/\u202emoc.elgoog", "https://\u202e.x/"]
)
def test_an_address_is_shown_in_ascii(uri: str) -> None:
    shown = address(uri)
    assert shown.uri.isascii()
    assert "".join(shown[1:]) == shown.uri


def test_a_name_cannot_turn_around_what_stands_beside_it(looker: Looker) -> None:
    assert plain("a\u202eb\u2066c\u200f \u2028d\ufeff") == "a b c   d"
    unseen = looker.site.register(client_name="\u202e\u200b", owner=None, client_id="the-id")
    assert "<bdi>the-id</bdi>" in looker.consent(unseen).text


def test_the_app_has_its_own_templates(make_looker: Callable[..., Looker], tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "oauth"
    folder.mkdir(parents=True)
    (folder / "error.html").write_text("Ours: {{ error }}: {{ description }}", "utf-8")
    (folder / "_theme.html").write_text('<link rel="stylesheet" href="/ours.css">', "utf-8")
    (folder / "_brand.html").write_text("<header>Example Inc.</header>", "utf-8")
    looker = make_looker(template_folder=str(tmp_path / "templates"))
    error = looker.http.get("/oauth/authorize")
    assert error.text == "Ours: invalid_request: The parameter &#39;client_id&#39; is missing."
    assert "frame-ancestors 'none'" in error.headers["Content-Security-Policy"]
    page = looker.http.get("/oauth/applications").text
    assert page.index("pages.css") < page.index("/ours.css")
    assert 'rel="icon"' not in page  # browsers take the site's own
    assert "<header>Example Inc.</header>" in page


@pytest.mark.parametrize(
    "name", ["base", "consent", "device", "device_confirm", "device_done", "applications", "form_post", "leaving"]
)
def test_each_template_may_be_the_apps(make_looker: Callable[..., Looker], tmp_path: Path, name: str) -> None:
    folder = tmp_path / "templates" / "oauth"
    folder.mkdir(parents=True)
    whole = (
        '<form action="/"><input name="form_token" value="{{ form_token|default("") }}">'
        '<input name="user_code" value="{{ user_code|default("") }}">'
    )
    (folder / f"{name}.html").write_text(
        "ours {% block main %}{% endblock %}" if name == "base" else f"ours {whole}", "utf-8"
    )
    pages = every_page(make_looker(template_folder=str(tmp_path / "templates")))
    for other, page in pages.items():
        assert page.text.startswith("ours") == (name in ("base", other)), other


def test_another_prefix_and_a_mount(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker(OAUTH_URL_PREFIX="/sign/on")
    client = looker.site.register()
    mounted = Client(DispatcherMiddleware(Flask("outer"), {"/apps/weather": looker.site.app}))
    mounted.set_cookie("session", looker.http.get_cookie("session").value)  # type: ignore[union-attr]
    url = looker.site.request_for(client).replace("/oauth/", "/apps/weather/sign/on/")
    page = mounted.get(url)
    assert page.status_code == 200, page.text
    found = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
    assert found
    assert all(link.startswith("/apps/weather/sign/on/") for link in found), found
    css = mounted.get("/apps/weather/sign/on/static/pages.css")
    assert css.mimetype == "text/css"
    css.close()
    (icon,) = re.findall(r'<link rel="icon" href="([^"]+)"', page.text)
    served = mounted.get(icon)
    assert (served.status_code, served.mimetype) == (200, "image/svg+xml")
    served.close()
    form = {"form_token": hidden(page, "form_token"), "decision": "allow", "scope": [*SCOPES]}
    assert mounted.post(url, data=form).location.startswith(f"{CALLBACK}?code=")
    device = mounted.get("/apps/weather/sign/on/device")
    assert 'action="/apps/weather/sign/on/device"' in device.text
    applications = mounted.get("/apps/weather/sign/on/applications")
    revoke = "/apps/weather/sign/on/applications/revoke"
    assert f'action="{revoke}"' in applications.text
    data = {"form_token": hidden(applications, "form_token"), "client_id": client.client_id}
    response = mounted.post(revoke, data=data)
    assert response.location == "/apps/weather/sign/on/applications"


@pytest.mark.parametrize("client_id", ["https://app.example/client.json", "a//b?c#d", "%2F & <b>"])
def test_access_is_taken_back_from_a_client_of_any_name(looker: Looker, client_id: str) -> None:
    client = looker.site.register(client_id=client_id)
    looker.allow(looker.consent(client), looker.site.request_for(client))
    page = looker.http.get("/oauth/applications")
    data = {name: html.unescape(hidden(page, name)) for name in ("form_token", "client_id")}
    assert looker.http.post("/oauth/applications/revoke", data=data).status_code == 303
    assert "No application has access" in looker.http.get("/oauth/applications").text


def test_too_many_guesses_are_told_when_to_come_back(looker: Looker) -> None:
    pages = [looker.device("BBBB-BBBB") for _ in range(11)]
    assert [page.status_code for page in pages] == [400] * 10 + [429]
    assert int(pages[-1].headers["Retry-After"]) > 0
    assert "Too many attempts" in pages[-1].text


def test_a_server_without_its_name_says_so_and_that_waiting_is_no_use(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker()
    looker.site.app.testing = False
    page = looker.http.get("/oauth/authorize?client_id=x", base_url="https://auth.example")
    assert page.status_code == 503
    assert "Retry-After" not in page.headers
    assert "OAUTH_ISSUER" in page.text
    assert "server_error" in page.text
