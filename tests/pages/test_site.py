"""Whose account a page speaks of: the site's name and logo on every page, and names of clients that look like its own."""

import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.pages.asking.site import looks_like
from flask_oauth_gateway.stores.registered_client import DOCUMENT, REGISTRATION, Client
from tests.support.app import close_app, server_of
from tests.support.looker import Looker, every_page, signed_in
from tests.support.served_site import build_site
from tests.support.site import Page
from tests.support.stranger import make_stranger

LOOKS_LIKE = "Its name is or looks like"
NOT_CHECKED = "This application was not checked by us."


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
    return make_looker(OAUTH_SITE_NAME="Notes")


def stranger(looker: Looker, origin: str = REGISTRATION, **metadata: Any) -> Client:
    return make_stranger(looker.site.app, looker.site.register(**metadata), origin)


def images(policy: str) -> str:
    return next(part.strip() for part in policy.split(";") if part.strip().startswith("img-src"))


def test_every_page_bears_the_sites_name_and_logo(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker(OAUTH_SITE_NAME="Notes & <Co>", OAUTH_SITE_LOGO="https://cdn.example:8443/l.png?v=1&w=2#x")
    for name, page in every_page(looker).items():
        assert '<img src="https://cdn.example:8443/l.png?v=1&amp;w=2#x" alt=""' in page.text, name
        assert "<bdi>Notes &amp; &lt;Co&gt;</bdi></header>" in page.text, name
        assert images(page.headers["Content-Security-Policy"]) == "img-src 'self' https://cdn.example:8443", name
        assert page.text.count("https://cdn.example") == 1, name


def test_a_logo_of_this_site_opens_nothing(make_looker: Callable[..., Looker]) -> None:
    page = make_looker(OAUTH_SITE_LOGO="/static/logo.svg").http.get("/oauth/authorize")
    assert images(page.headers["Content-Security-Policy"]) == "img-src 'self'"
    assert '<img src="/static/logo.svg" alt=""' in page.text


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({}, "localhost"),
        ({"OAUTH_ISSUER": "https://id.notes.example:444/x"}, "id.notes.example:444"),
        ({"OAUTH_SITE_NAME": "N"}, "N"),
    ],
)
def test_without_a_name_it_is_the_host(make_looker: Callable[..., Looker], config: dict[str, Any], name: str) -> None:
    looker = make_looker(**config)
    text = Page(looker.consent(looker.site.register(client_name="Notice board"))).text
    assert f"Notice board wants access to your {name} account" in text


def test_who_asks_how_long_they_are_known_and_whether_it_is_known_who_makes_them(looker: Looker) -> None:
    client = looker.site.register(client_name="Notice board", owner="Board Ltd", contacts=["help@board.example"])
    text = Page(looker.consent(client)).text
    assert "Published by Board Ltd Website weather.example Contact help@board.example Known here since" in text
    assert "new here" in text
    assert "Verified" not in text
    server = server_of(looker.site.app)
    week_ago = update(tables.client).values(created_at=int(time.time()) - 8 * 86400)
    with looker.site.app.app_context():
        server.database.run(week_ago)
        server.clients.forget_all()
    looker.site.gateway.clients.update(client.client_id, verified=True)
    text = Page(looker.consent(client)).text
    assert "new here" not in text
    assert "Verified by Notes" in text


@pytest.mark.parametrize("origin", [REGISTRATION, DOCUMENT])
def test_a_stranger_that_is_verified_is_no_stranger_any_more(looker: Looker, origin: str) -> None:
    client = stranger(looker, origin, skip_consent=True)
    before = looker.consent(client)
    assert NOT_CHECKED in Page(before).text
    assert "<a href" not in before.text.partition("</main>")[0].replace('<a href="/oauth', "")
    looker.site.gateway.clients.update(client.client_id, verified=True)
    page = looker.consent(client)
    assert page.status_code == 200, "it is asked for all the same"
    assert NOT_CHECKED not in Page(page).text
    assert '<a href="https://weather.example/privacy" rel="noreferrer">' in page.text


@pytest.mark.parametrize(
    ("name", "seems"),
    [
        ("Notes", True), ("NOTES", True), ("N\u043et\u0435s", True), ("\uff2e\uff4f\uff54\uff45\uff53", True), ("N o t e s",
        True), ("N\u200bo\u00adtes", True),
        ("N0te5", True), ("N\u00f6tes", True), ("\u202esetoN", False), ("Notes by Notes (verified)", True),
        ("Official NotesSupport", True), ("N\u3164otes", True), ("\u0274\u1d0f\u1d1b\u1d07\ua731", True), ("No-tes", True),
        ("Notice board", False), ("Evernotes", False), ("Noted", False), ("", False), ("\u4fbf\u7b3a", False),
    ],
)  # fmt: skip
def test_a_name_like_the_sites_own_is_seen_through(looker: Looker, name: str, *, seems: bool) -> None:
    assert looks_like(name, "Notes") is seems
    client = stranger(looker, client_name=name)
    assert (LOOKS_LIKE in Page(looker.consent(client)).text) is seems
    by_hand = looker.site.register(client_name=name)
    assert LOOKS_LIKE not in Page(looker.consent(by_hand)).text, "the owner of the site may call it so"
    looker.site.gateway.clients.update(client.client_id, verified=True)
    assert LOOKS_LIKE not in Page(looker.consent(client)).text


def test_a_name_of_no_letters_looks_like_nothing() -> None:
    assert not looks_like("Notes", "\u2606")
    assert looks_like("Custorner", "Customer")
    assert looks_like("\u0417\u0430\u043c\u0435\u0442\u043a\u0438 online", "\u0417\u0410\u041c\u0415\u0422\u041a\u0418")


@pytest.mark.parametrize(
    "name",
    ["\u202e\u2066gnp.setoN", "N" * 2000, "</h1></bdi><img src=x onerror=alert(1)>",
        "Notes by Notes (verified \u2713\u2714\u2705)", "{{ 7*7 }} %(site)s %s",
     "\u2028Notice\u2029board"],
)  # fmt: skip
def test_a_strangers_name_stays_where_it_belongs(looker: Looker, name: str) -> None:
    """It turns nothing around, is no markup, and no mark."""
    logo = "https://evil.example/logo.png"
    client = stranger(looker, client_name=name, logo_uri=logo)
    confirm = looker.device(looker.site.start_device(client)["user_code"])
    for page in (looker.consent(client), confirm):
        assert page.status_code == 200
        assert "evil.example" not in page.text
        shown = unescape(page.text)
        assert not any(letter in shown for letter in "\u202e\u2066\u2028\u2029\u001b\u2713\u2714\u2705")
        assert "N" * 121 not in page.text, "nothing is pushed out of sight"
        assert page.text.count("<h1") == page.text.count("</h1>") == 1
        assert "<img src=x" not in page.text
        assert "49" not in page.text.partition("<h1")[2].partition("</h1>")[0]
        assert 'class="mark"' not in page.text
        assert NOT_CHECKED in Page(page).text


def test_a_strangers_contact_is_an_address_and_no_sentence(looker: Looker) -> None:
    contacts = [
        "Verified by Notes",
        "\u2705",
        "Verified\u00a0by\u3000Notes",
        "help@board.example\u2714",
        "https://board.example/help",
    ]
    client = stranger(looker, contacts=contacts)
    text = Page(looker.consent(client)).text
    assert "Contact help@board.example Contact https://board.example/help Known here" in text
    assert "Verified" not in text
    looker.site.gateway.clients.update(client.client_id, verified=True)
    assert "Contact Verified by Notes Contact" in Page(looker.consent(client)).text


@pytest.mark.parametrize(
    ("logo", "is_shown"),
    [
        ("http://localhost/static/board.png", True), ("https://localhost/static/board.png", True),
        ("https://evil.example/l.png", False),
        ("https://localhost:8443/l.png", False), ("https://localhost.evil.example/l.png", False),
        ("https://evil.example/localhost", False),
    ],
)  # fmt: skip
def test_a_clients_logo_is_shown_where_it_is_verified_and_on_this_site(
    looker: Looker, logo: str, *, is_shown: bool
) -> None:
    client = looker.site.register(logo_uri=logo)
    assert logo not in looker.consent(client).text
    looker.site.gateway.clients.update(client.client_id, verified=True)
    page = looker.consent(client)
    assert (f'<img src="{logo}" alt="">' in page.text) is is_shown
    assert images(page.headers["Content-Security-Policy"]) == "img-src 'self'"
