"""Every page with every kind of row that can stand on it, and what it says of each; every branch of every template is taken.

A new branch of a template, or a new kind of row, gets a line in `lines.py` or `admin_lines.py`.
"""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

import flask_oauth_gateway
from flask_oauth_gateway.observing.audit import Audit
from flask_oauth_gateway.pages.admin.audit import EVENTS
from tests.pages import rows
from tests.pages.admin_lines import ADMIN
from tests.pages.developer_lines import DEVELOPER
from tests.pages.lines import PEOPLE, Line
from tests.pages.rows import Rows
from tests.support.app import close_app
from tests.support.site import Page

TABLE = [*PEOPLE, *ADMIN, *DEVELOPER]
TEMPLATES = Path(flask_oauth_gateway.__file__).parent / "templates"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rows, Rows]]:
    """The one that has everything, and the one that has nothing."""
    found = rows.full_site(tmp_path_factory.mktemp("full")), rows.empty_site(tmp_path_factory.mktemp("empty"))
    yield found
    for site in found:
        close_app(site.app)


def opened(line: Line, sites: tuple[Rows, Rows]) -> TestResponse:
    site = sites[line.is_empty]
    response = site.get(line.at) if isinstance(line.at, str) else line.at(site)
    assert response.status_code == line.status, response.text
    return response


@pytest.mark.parametrize("line", TABLE, ids=[line.name for line in TABLE])
def test_a_row_says_what_it_is(sites: tuple[Rows, Rows], line: Line) -> None:
    response = opened(line, sites)
    text, markup = " ".join(Page(response).text.split()), unescape(response.text)
    for each in line.seen:
        assert each in text or each in markup, text


def test_every_branch_of_every_template_is_taken(sites: tuple[Rows, Rows]) -> None:
    for line in TABLE:
        opened(line, sites)
    watched = [site.app.jinja_env for site in sites]
    for environment in watched:
        for path in TEMPLATES.rglob("*.html"):
            environment.get_template(str(path.relative_to(TEMPLATES)))
    taken = watched[0].taken | watched[1].taken
    missing = {branch for branch in watched[0].known if branch not in taken}
    assert not missing, "\n".join(f"{name}, line {number}: {kind}" for name, number, kind in sorted(missing))


def test_every_event_of_the_audit_trail_can_be_asked_for() -> None:
    written = {name for name in vars(Audit) if not name.startswith("_") and name != "exported"}
    assert written | {"audit_exported", "audit_trimmed", "audit_broken"} == set(EVENTS)
