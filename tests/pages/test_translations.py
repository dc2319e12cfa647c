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

from flask_oauth_gateway.languages import choose_language
from flask_oauth_gateway.pages.rendering import explain, how_long
from flask_oauth_gateway.pages.translations import date, language, translate
from tests.pages import catalogs
from tests.support.app import close_app
from tests.support.looker import Looker, every_page, signed_in
from tests.support.served_site import ServedSite, build_site

EVENING = 1795303800  # 2026-11-21 23:30 in UTC
ENDS = str.maketrans("\u3002\uff1a\uff1f\u061f", ".:??")  # full stops and the like of other scripts


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
            assert catalogs.placeholders(form) == catalogs.placeholders(source) or says_its_number(catalog, forms, form)
            assert locale == "ja" or end_of(form) == end_of(source), form
        assert not message.fuzzy


def says_its_number(catalog: Catalog, forms: list[str], form: str) -> bool:
    """Whether a plural form is for one number alone, which it may say in a word: `\u064a\u0648\u0645\u0627\u0646` is two days."""
    numbers = [number for number in range(1000) if forms[plural_of(catalog)(number)] == form]
    return len(forms) > 2 and len(numbers) == 1 and catalogs.placeholders(form) == set()


def end_of(text: str) -> str:
    """The mark with which a sentence ends; nothing where the text is no sentence."""
    mark = text[-1].translate(ENDS)
    return mark if mark in ".:?" else ""


def plural_of(catalog: Catalog) -> Callable[[int], int]:
    return gettext.c2py(catalog.plural_expr)


@pytest.mark.parametrize("locale", catalogs.LANGUAGES)
def test_what_is_compiled_is_up_to_date(locale: str) -> None:
    compiled = gettext.translation(catalogs.DOMAIN, str(catalogs.LOCALE), [locale])
    for message in catalogs.read(locale):
        if message.id and isinstance(message.id, str):
            assert compiled.gettext(message.id) == message.string, "run: make texts"
        elif message.id:
            form = plural_of(catalogs.read(locale))
            forms = [compiled.ngettext(*message.id, number) for number in range(200)]
            assert forms == [message.string[form(number)] for number in range(200)], "run: make texts"
            assert set(forms) == set(message.string)


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
        ("it", ("it", "Consenti", "Rifiuta")),
        ("pt_BR", ("pt-BR", "Permitir", "Recusar")),
        ("pt", ("pt", "Permitir", "Recusar")),
        ("pt_PT", ("pt-PT", "Permitir", "Recusar")),  # closer than English
        ("zh", ("zh", "允许", "拒绝")),
        ("zh_CN", ("zh-Hans-CN", "允许", "拒绝")),
        ("zh_SG", ("zh-Hans-SG", "允许", "拒绝")),
        ("zh_Hans", ("zh-Hans", "允许", "拒绝")),
        ("zh_TW", ("en", "Allow", "Refuse")),  # another script
        ("zh_Hant_HK", ("en", "Allow", "Refuse")),
        ("ar_EG", ("ar-EG", "السماح", "رفض")),
        ("nl", ("en", "Allow", "Refuse")),  # a page in English says that it is
    ],
)
def test_the_page_speaks_the_language_of_the_request(looker: Looker, locale: str, texts: tuple[str, str, str]) -> None:
    page = speak(looker, locale).consent(looker.site.register()).text
    assert f'<html lang="{texts[0]}"' in page
    assert ('dir="rtl">' in page) == (locale[:2] == "ar")
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
    assert '<html lang="en"' in page
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
    compile_catalog(tmp_path / "texts", catalogs.DOMAIN, "nl", {"Allow": "Toestaan"})
    compile_catalog(tmp_path / "texts", catalogs.DOMAIN, "de", {"Allow": "Na klar"})
    looker = make_looker(BABEL_TRANSLATION_DIRECTORIES=str(tmp_path / "texts"))
    client = looker.site.register()
    dutch = speak(looker, "nl").consent(client).text
    assert '<html lang="nl"' in dutch
    assert ">Toestaan</button>" in dutch
    assert ">Refuse</button>" in dutch
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
        ("it", "1 giorno", "30 giorni", "1 ora", "90 minuti"),
        ("pt_BR", "1 dia", "30 dias", "1 hora", "90 minutos"),
        ("zh_CN", "1 天", "30 天", "1 小时", "90 分钟"),
        ("ar", "يوم واحد", "30 يومًا", "ساعة واحدة", "90 دقيقة"),
    ],
)
def test_durations_count_right(looker: Looker, locale: str, day: str, days: str, hour: str, minutes: str) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": locale}):
        assert [how_long(seconds) for seconds in (86400, 30 * 86400, 3600, 5400)] == [day, days, hour, minutes]
        assert how_long(36 * 3600).startswith("36")
        assert how_long(1) == how_long(60)
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
        ("it", "21 novembre 2026"),
        ("pt_BR", "21 de novembro de 2026"),
        ("zh_CN", "2026年11月21日"),
        ("ar", "21 نوفمبر 2026"),
        ("nl", "November 21, 2026"),
        ("zh_TW", "November 21, 2026"),
    ],
)
def test_a_date_is_written_as_the_page_speaks(looker: Looker, locale: str, text: str) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": locale}):
        assert date(EVENING) == text


def test_a_day_is_the_users_own(make_looker: Callable[..., Looker]) -> None:
    looker = make_looker(BABEL_DEFAULT_TIMEZONE="Asia/Tokyo")
    with looker.site.app.test_request_context(headers={"X-Language": "en"}):
        assert date(EVENING) == "November 22, 2026"


def test_arabic_counts_in_six_ways(looker: Looker) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": "ar"}):
        days = [how_long(number * 86400) for number in (0, 1, 2, 3, 11, 100, 103)]
    assert days == ["0 يوم", "يوم واحد", "يومان", "3 أيام", "11 يومًا", "100 يوم", "103 أيام"]


def test_names_keep_their_direction_in_arabic_sentences(looker: Looker) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": "ar"}):
        assert "\u2068(DPoP)!\u2069" in translate("Bound by %(name)s", name="(DPoP)!")
        assert translate("at most %(most)s an hour", most=7).startswith("7 ")
    with looker.site.app.test_request_context(headers={"X-Language": "de"}):
        assert translate("Bound by %(name)s", name="DPoP") == "Gebunden durch DPoP"


@pytest.mark.parametrize(
    ("asked", "language", "allow"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans-CN", "允许"),
        ("zh", "zh", "允许"),
        ("zh-Hans-CN", "zh-Hans-CN", "允许"),
        ("zh-SG", "zh-Hans-SG", "允许"),
        ("zh-TW, fr;q=0.5", "fr", "Autoriser"),
        ("zh-Hant, zh;q=0.9", "zh", "允许"),
        ("zh-TW", "en", "Allow"),
        ("pt-PT", "pt-PT", "Permitir"),
        ("de-AT, en", "de-AT", "Erlauben"),
        ("nl, en-GB, de", "en-GB", "Allow"),
        ("de;q=0, it", "it", "Consenti"),
        ("x" * 400 + ", *, de--, xx-YY, ar", "ar", "السماح"),
        (", ".join(f"x{number}" for number in range(10)) + ", de", "en", "Allow"),
        ("", "en", "Allow"),
    ],
)
def test_the_browsers_languages_choose(tmp_path: Path, asked: str, language: str, allow: str) -> None:
    site = build_site(instance_path=str(tmp_path / "instance"), TESTING=True)
    Babel(site.app, locale_selector=choose_language)
    looker = Looker(site, signed_in(site.app))
    looker.http.environ_base["HTTP_ACCEPT_LANGUAGE"] = asked
    page = looker.consent(site.register()).text
    close_app(site.app)
    assert f'<html lang="{language}"' in page
    assert f">{allow}</button>" in page


def test_the_empty_text_is_not_the_catalogs_header(looker: Looker) -> None:
    with looker.site.app.test_request_context(headers={"X-Language": "de"}):
        assert translate("") == ""
        assert language() == "de"
