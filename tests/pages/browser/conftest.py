"""A site that is served, and people who visit it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pages.drawing import Drawing
from tests.support.browser import Browser, Visitor
from tests.support.served_site import ServedSite, build_site, served


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawing]:
    """Every page, in any language."""
    drawing = Drawing(tmp_path_factory.mktemp("drawing"))
    yield drawing
    drawing.close()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., ServedSite]]:
    """Serves sites, as `tests.support.served_site.build_site` builds them; takes configuration."""
    stack: list[Any] = []

    def make_site(**config: Any) -> ServedSite:
        serving = served(build_site(instance_path=str(tmp_path / f"instance{len(stack)}"), **config))
        stack.append(serving)
        return serving.__enter__()

    yield make_site
    for serving in stack:
        serving.__exit__(None, None, None)


@pytest.fixture
def site(make_site: Callable[..., ServedSite]) -> ServedSite:
    return make_site()


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def visitor(request: pytest.FixtureRequest, browser: Browser, site: ServedSite) -> Iterator[Visitor]:
    """Somebody at the site, once with JavaScript and once without."""
    visitor = Visitor(browser, site, java_script_enabled=request.param)
    yield visitor
    visitor.close()


@pytest.fixture
def make_visitor(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Somebody at a site; takes Playwright's options of a browser context."""
    visitors: list[Visitor] = []

    def make_visitor(site: ServedSite, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, site, **options))
        return visitors[-1]

    yield make_visitor
    for visitor in visitors:
        visitor.close()
