"""A site whose administrator is `root`, who is signed in; alice and bob are users like others."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.site import Page, Person, Site


class AdminSite(Site):
    """`person` is who is signed in; at first `root`."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.people["root"] = Person("root")
        self.person = "root"
        self.gateway.is_admin(lambda user: user.id == "root")

    def open(self, path: str, status: int = 200, **query: Any) -> Page:
        """One of the administrator's pages."""
        response = self.browser.get(f"/oauth/admin/{path}", query_string=query)
        assert response.status_code == status, response.text
        return Page(response)

    def submit(self, path: str, form: dict[str, Any], **query: Any) -> Any:
        """Send a form, with the token that the pages carry."""
        token = self.open("clients/new").hidden("form_token")
        return self.browser.post(f"/oauth/admin/{path}", data={"form_token": token, **form}, query_string=query)

    def trail(self, event: str) -> list[Any]:
        rows: list[Any] = self.app.extensions["oauth_gateway_state"].audit.newest(100, {"event": event})
        return rows


@pytest.fixture
def make_site(make_app: Callable[..., Any]) -> Callable[..., AdminSite]:
    from tests.support.site import GRANT_TYPES

    return lambda **config: AdminSite(make_app(**{"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_ADMIN": True} | config))


@pytest.fixture
def site(make_site: Callable[..., AdminSite]) -> AdminSite:
    return make_site()
