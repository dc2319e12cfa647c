"""The pages' texts in every language that is shipped, and what an app adds with Flask-Babel."""

import gettext
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from flask import request
from flask_babel import Babel

from flask_oauth_gateway.pages.rendering import explain, how_long
from flask_oauth_gateway.pages.translations import date, language, translate
from tests.pages import catalogs
from tests.support.app import close_app
from tests.support.looker import Looker, every_page, signed_in
from tests.support.served_site import ServedSite, build_site

EVENING = 1795303800  # 2026-11-21 23:30 in UTC


@pytest.fixture(scope="module")
def texts() -> list[Message]:
    return [message for message in catalogs.texts() if message.id]


@pytest.fixture
def make_looker(tmp_path: Path) -> Any:
    """As in test_html.py, on sites with Flask-Babel, whose language is the one that the browser names."""
    sites: list[ServedSite] = []

    def make_looker(**config: Any) -> Looker:
        site = build_site(instance_path=str(tmp_path / "instance"), TESTING=True, **config)
        Babel(site.app, locale_selector=lambda: request.headers.get("X-Language", "en"))
        sites.append(site)
        return Looker(site, signed_in(site.app))

    yield make_looker
    for site in sites:
        close_app(site.app)


@pytest.fixture
def looker(make_looker: Callable[..., Looker]) -> Looker:
    return make_looker()


def speak(looker: Looker, locale: str) -> Looker:
    looker.http.environ_base["HTTP_X_LANGUAGE"] = locale
    return looker


def test_the_texts_were_found(texts: list[Message]) -> None:
    ids = {message.id for message in texts}
    assert {
        "Allow",
        "This time only",
        ("%(num)s day", "%(num)s days"),
        "The server is not configured for this.",
        "The application that sent you here is not known.",
        "The parameter '%(name)s' is repeated.",
        "The parameter '%(name)s' is missing.",
        "There are more than 100 parameters.",
        "Too many attempts. Please wait a while.",
    } <= ids


def test_these_are_the_languages() -> None:
    assert tuple(sorted(path.name for path in catalogs.LOCALE.iterdir())) == catalogs.LANGUAGES


@pytest.mark.parametrize("locale", catalogs.LANGUAGES)
def test_every_text_is_translated(texts: list[Message], locale: str) -> None:
    catalog = catalogs.read(locale)
    known = {message.id: message for message in catalog if message.id}
    assert known.keys() == {message.id for message in texts}, "run: make texts"
    for message in known.values():
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        assert len(forms) == (1 if isinstance(message.id, str) else catalog.num_plurals)
        source = message.id if isinstance(message.id, str) else message.id[0]
        for form in forms:
            assert form, source
            assert catalogs.placeholders(form) == catalogs.placeholders(source)
            assert locale == "ja" or form[-1:] == source[-1:] or (form[-1] + source[-1]).isalnum(), form
        assert not message.fuzzy


@pytest.mark.parametrize("locale", catalogs.LANGUAGES)
def test_what_is_compiled_is_up_to_date(locale: str) -> None:
    compiled = gettext.translation(catalogs.DOMAIN, str(catalogs.LOCALE), [locale])
    for message in catalogs.read(locale):
        if message.id and isinstance(message.id, str):
            assert compiled.gettext(message.id) == message.string, "run: make texts"
        elif message.id:
            assert {compiled.ngettext(*message.id, number) for number in (1, 30)} == set(message.string), (
                "run: make texts"
            )


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        ("en", ("en", "Allow", "Refuse")),
        ("en_GB", ("en-GB", "Allow", "Refuse")),
        ("de", ("de", "Erlauben", "Ablehnen")),
        ("de_AT", ("de-AT", "Erlauben", "Ablehnen")),
        ("fr", ("fr", "Autoriser", "Refuser")),
        ("es", ("es", "Permitir", "Rechazar")),
        ("ja", ("ja", "許可する", "拒否する")),
        ("it", ("en", "Allow", "Refuse")),  # a page in English says that it is
    ],
)
def test_the_page_speaks_the_language_of_the_request(looker: Looker, locale: str, texts: tuple[str, str, str]) -> None:
    page = speak(looker, locale).consent(looker.site.register()).text
    assert f'<html lang="{texts[0]}">' in page
    assert f">{texts[1]}</button>" in page
    assert f">{texts[2]}</button>" in page


@pytest.mark.parametrize("locale", catalogs.LANGUAGES)
def test_no_page_is_left_in_english(looker: Looker, texts: list[Message], locale: str) -> None:
    sources = [re.escape(source) for message in texts if len(source := str(message.id)) > 12]
    for name, page in every_page(speak(looker, locale)).items():
        assert not re.search("|".join(sources), page.text), name


def test_errors_are_translated(looker: Looker) -> None:
    get = speak(looker, "de").http.get
    assert "Der Parameter „client_id“ fehlt." in get("/oauth/authorize").text
    assert "Der Parameter „client_id“ kommt mehrmals vor." in get("/oauth/authorize?client_id=a&client_id=b").text
    assert "Der Parameter „x“ enthält ein Steuerzeichen." in get("/oauth/authorize?x=%01").text
    assert "Der Parameter „100%(z)s“ enthält ein Steuerzeichen." in get("/oauth/authorize?100%25(z)s=%01").text
    assert "nicht mehr bekannt" in get("/oauth/authorize?client_id=a").text


def test_without_flask_babel_the_pages_are_in_english(tmp_path: Path) -> None:
    site = build_site(instance_path=str(tmp_path), TESTING=True)
    looker = Looker(site, signed_in(site.app))
    looker.http.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = looker.consent(site.register()).text
    assert '<html lang="en">' in page
    assert ">Allow</button>" in page
    with site.app.test_request_context():
        assert date(EVENING) == "November 21, 2026"
        assert explain("The parameter 'x' is repeated.") == "The parameter 'x' is repeated."
        assert explain(None) == ""
    close_app(site.app)


def test_what_a_scope_means_is_looked_up_in_the_apps_catalog(
    make_looker: Callable[..., Looker], tmp_path: Path
) -> None:
    compile_catalog(tmp_path / "texts", "messages", "de", {"See your name": "Ihren Namen sehen"})
    looker = speak(make_looker(BABEL_TRANSLATION_DIRECTORIES=str(tmp_path / "texts")), "de")
    assert "Ihren Namen sehen" in looker.consent(looker.site.register()).text


def test_an_app_adds_a_language_and_rewords_ours(make_looker: Callable[..., Looker], tmp_path: Path) -> None:
    compile_catalog(tmp_path / "texts", catalogs.DOMAIN, "it", {"Allow": "Consenti"})
    compile_catalog(tmp_path / "texts", catalogs.DOMAIN, "de", {"Allow": "Na klar"})
    looker = make_looker(BABEL_TRANSLATION_DIRECTORIES=str(tmp_path / "texts"))
    client = looker.site.register()
    italian = speak(looker, "it").consent(client).text
    assert '<html lang="it">' in italian
    assert ">Consenti</button>" in italian
    assert ">Refuse</button>" in italian
    german = speak(looker, "de").consent(client).text
    assert ">Na klar</button>" in german
    assert ">Ablehnen</button>" in german


def compile_catalog(folder: Path, domain: str, locale: str, texts: dict[str, str]) -> None:
    catalog = Catalog(locale=locale, domain=domain)
    for source, text in texts.items():
        catalog.add(source, text)
    path = folder / locale / "LC_MESSAGES" / f"{domain}.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_mo(file, catalog)


@pytest.mark.parametrize(
    ("locale", "day", "days", "hour", "minutes"),
    [
        ("en", "1 day", "30 days", "1 hour", "90 minutes"),
        ("de", "1 Tag", "30 Tage", "1 Stunde", "90 Minuten"),
        ("fr", "1 jour", "30 jours", "1 heure", "90 minutes"),
        ("es", "1 día", "30 días", "1 hora", "90 minutos"),
        ("ja", "1日間", "30日間", "1時間", "90分間"),
    ],
)
def test_durations_count_right(looker: Looker, locale: str, day: str, days: str, hour: str, minutes: str) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": locale}):
        assert [how_long(seconds) for seconds in (86400, 30 * 86400, 3600, 5400)] == [day, days, hour, minutes]
        assert how_long(36 * 3600).startswith("36")
        assert how_long(1).startswith("1")
        assert how_long("once") == translate("This time only")
        assert how_long("always") == translate("Until I take it back")


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "November 21, 2026"),
        ("en_GB", "21 November 2026"),
        ("de", "21. November 2026"),
        ("fr", "21 novembre 2026"),
        ("es", "21 de noviembre de 2026"),
        ("ja", "2026年11月21日"),
        ("it", "November 21, 2026"),
    ],
)
def test_a_date_is_written_as_the_page_speaks(looker: Looker, locale: str, text: str) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": locale}):
        assert date(EVENING) == text


def test_a_day_is_the_users_own(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker(BABEL_DEFAULT_TIMEZONE="Asia/Tokyo")
    with looker.site.app.test_request_context(headers={"X-Language": "en"}):
        assert date(EVENING) == "November 22, 2026"


def test_the_empty_text_is_not_the_catalogs_header(looker: Looker) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": "de"}):
        assert translate("") == ""
        assert language() == "de"
