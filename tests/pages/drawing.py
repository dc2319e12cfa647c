"""Every page with every branch of its template, and with long words, drawn without a browser."""

import time
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask_babel import Babel

from tests.pages import rows
from tests.pages.admin_lines import ADMIN
from tests.pages.developer_lines import DEVELOPER, own
from tests.pages.lines import PEOPLE, Line, consent
from tests.pages.rows import Rows
from tests.support.app import close_app

#: The administrator's, for a client.
ADMIN_PAGES = "clients", "client", "client/edit", "client/delete", "tokens", "grants", "audit"
Pages = dict[str, str]
#: Words without a place to break them.
SCOPE, WORD = "weather:" + "s" * 52, "Wetterbeobachtungsstationsverwaltungsberechtigungen"
WIDE = {
    "client_id": "w" * 64,
    "client_name": "N" * 200,
    "owner": "O" * 90,
    "client_uri": f"https://{'w' * 60}.example/",
}


def widen(site: Rows) -> tuple[Line, ...]:
    """Pages with long words on them."""
    scopes = [*rows.SCOPES, SCOPE]
    site.register(**WIDE, scope=scopes, attributes={"a" * 60: "v" * 90}, contacts=["c" * 60 + "@example.com"])
    asks = consent(WIDE["client_id"], "w" * 80, scope=" ".join(scopes), state="s")
    site.people["w" * 80] = SimpleNamespace(id="w" * 80, name="W" * 80)  # type: ignore[assignment]
    site.answered("w" * 80, asks(site), decision="allow", duration="always")
    site.gateway.tokens.issue(WIDE["client_id"], subject="s" * 120, attributes={"t" * 40: "v" * 90})
    details = {"reason": "r" * 200, "grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer"}
    site.server.audit.add(
        {
            "at": 1,
            "event": "token_rejected",
            "outcome": "o" * 40,
            "client_id": "w" * 64,
            "subject": "s" * 90,
            "details": details,
        }
    )
    here = f"?client_id={WIDE['client_id']}"
    at: dict[str, Any] = {f"admin/{page}": f"admin/{page}{here}" for page in ADMIN_PAGES}
    at["consent"] = consent(WIDE["client_id"], "w" * 80, scope=" ".join(scopes), prompt="consent")
    at["consent, not asked before"] = consent(WIDE["client_id"], "bob", scope=" ".join(scopes))
    at["applications"] = lambda site: site.as_person("w" * 80, lambda: site.get("applications"))
    with site.app.app_context():
        uris = [f"https://{'w' * 60}.example/{'p' * 300}", WIDE["client_uri"]]
        given = {
            "client_name": "N" * 100,
            "redirect_uris": uris,
            "scope": " ".join(scopes),
            "client_uri": WIDE["client_uri"],
        }
        site.own["wide"] = site.server.user_apps.register("wide", "web", given).client_id
    site.people["wide"] = SimpleNamespace(id="wide", name="W" * 80)  # type: ignore[assignment]
    trouble = {"reason": "r" * 200, "got": "g" * 200}
    entry = {"at": int(time.time()), "event": "request_refused", "outcome": "x", "details": trouble}
    site.server.audit.add({**entry, "client_id": site.own["wide"]})
    at["developer/apps"] = own("", person="wide")
    at |= {f"developer/{page}": own(page, "wide", "wide") for page in ("app", "app/edit", "app/delete")}
    return tuple(Line(name, "long words", place, ()) for name, place in at.items())


class Drawing:
    """Draws pages until every branch of every template is taken, in one language after the other."""

    def __init__(self, folder: Path) -> None:
        for name in ("full", "empty"):
            folder.joinpath(name).mkdir()
        self._sites = rows.full_site(folder / "full", rows.SCOPES | {SCOPE: WORD}), rows.empty_site(folder / "empty")
        self._language = "en"
        self._drawn: dict[str, Pages] = {}
        for site in self._sites:
            Babel(site.app, locale_selector=lambda: self._language)
        wide = widen(self._sites[0])
        self._lines = [*wide, *self._needed((*PEOPLE, *ADMIN, *DEVELOPER), wide)]

    def _needed(self, lines: Iterable[Line], wide: Iterable[Line]) -> Iterator[Line]:
        """The pages that it takes to take every branch, the short ones first."""
        seen = {branch for line in wide for branch in self._look(line)[1]}
        for _, branches, line in sorted(((*self._look(line), line) for line in lines), key=itemgetter(0)):
            if branches - seen:
                seen |= branches
                yield line

    def _look(self, line: Line) -> tuple[int, frozenset[Any]]:
        """How long a page is, and which branches it takes."""
        site = self._sites[line.is_empty]
        taken = site.app.jinja_env.taken  # type: ignore[attr-defined]
        taken.clear()
        return len(drawn(site, line.at)), frozenset(taken)

    def draw(self, language: str) -> Pages:
        """Every page in a language, by its name."""
        if language not in self._drawn:
            self._language = language
            self._drawn[language] = {line.name: drawn(self._sites[line.is_empty], line.at) for line in self._lines}
        return self._drawn[language]

    def close(self) -> None:
        for site in self._sites:
            close_app(site.app)


def drawn(site: Rows, at: str | Callable[[Rows], object]) -> str:
    page = site.get(at) if isinstance(at, str) else at(site)
    return str(page.text).replace('http-equiv="refresh"', "")  # type: ignore[attr-defined]  # or it would be gone at once
