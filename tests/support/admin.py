"""A site whose administrator is `root`, who is signed in; alice and bob are users like others."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.app import server_of
from tests.support.site import Page, Person, Site

#: A name that does harm where a page doesn't escape it.
HOSTILE = "\"><script>alert(1)</script>{{7*7}}</title>'\u202e"


class AdminSite(Site):
    """`person` is who is signed in; at first `root`."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.people["root"] = Person("root")
        self.person = "root"
        self.gateway.is_admin(lambda user: user.id == "root")

    def open(self, path: str, status: int = 200, **query: Any) -> Page:
        """One of the administrator's pages."""
        response = self.browser.get(f"/oauth/admin/{path}", query_string=query)
        assert response.status_code == status, response.text
        return Page(response)

    def submit(self, path: str, form: dict[str, Any], **query: Any) -> TestResponse:
        """Send a form, with the token that the pages carry."""
        token = self.open("clients/new", kind="other").hidden("form_token")
        return self.browser.post(f"/oauth/admin/{path}", data={"form_token": token, **form}, query_string=query)

    def trail(self, event: str) -> list[Any]:
        rows: list[Any] = server_of(self.app).audit.newest(100, {"event": event})
        return rows
