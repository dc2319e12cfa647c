"""Firefox, as Debian ships it: no page runs over on a phone, and users find their way through them."""

import re
from collections.abc import Iterator

import pytest

from tests.pages.drawing import Drawing
from tests.support import services
from tests.support.browser import SMALLEST
from tests.support.firefox import Firefox
from tests.support.layout import LOOK, to_look_at
from tests.support.served_site import PASSWORD, ServedSite

pytestmark = pytest.mark.firefox


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    firefox = Firefox(str(services.FIREFOX), tmp_path_factory.mktemp("firefox"))
    yield firefox
    firefox.close()


def test_nothing_is_cut_or_lies_over_something_else(firefox: Firefox, drawing: Drawing) -> None:
    # Chromium has drawn them in every language.
    found = firefox.run(f"return ({LOOK})(arguments[0])", to_look_at(drawing.draw("ar"), SMALLEST))
    assert not found, "\n".join(found)


def visit(firefox: Firefox, url: str) -> None:
    """Open a page in the window, and sign in where that is asked."""
    firefox.visit(url)
    if firefox.run("return document.title") == "Sign in":
        firefox.fill("[name=username]", "alice")
        firefox.fill("[name=password]", PASSWORD)
        firefox.press("button")


def test_a_user_allows_a_client_and_takes_it_back(firefox: Firefox, site: ServedSite) -> None:
    client = site.register()
    visit(firefox, site.request_for(client))
    firefox.press("[value=allow]")
    firefox.wait_for_address(f"{re.escape(site.callback)}.*[?&]code=")
    firefox.visit(f"{site.url}/oauth/applications")
    firefox.press("article form button")
    firefox.wait_for_text("No application has access to your account.")


def test_a_user_connects_a_device(firefox: Firefox, site: ServedSite) -> None:
    code = site.start_device(site.register())["user_code"]
    visit(firefox, f"{site.url}/oauth/device")
    firefox.fill("[name=user_code]", code)
    firefox.press("form:has([name=user_code]) button")
    firefox.press("[value=allow]")
    firefox.wait_for_text("Device connected")
