"""A site where users register apps of their own: alice and bob are users, root is its administrator."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway.clients.developers.apps import UserApps
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.admin import AdminSite
from tests.support.app import server_of
from tests.support.site import GRANT_TYPES, READ, REDIRECT_URI, Page

CONFIG: dict[str, Any] = {"OAUTH_DEVELOPER": True, "OAUTH_ADMIN": True, "OAUTH_GRANT_TYPES": GRANT_TYPES}


class DeveloperSite(AdminSite):
    """`person` is who is signed in; at first alice."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.person = "alice"
        self.apps: UserApps = server_of(app).user_apps

    def visit(self, path: str = "", status: int = 200, **query: Any) -> Page:
        """One of a user's pages."""
        response = self.browser.get(f"/oauth/developer/{path}", query_string=query)
        assert response.status_code == status, response.text
        return Page(response)

    def fill(self, path: str, form: dict[str, Any], **query: Any) -> TestResponse:
        """Send a form, with the token that the user's pages carry."""
        token = self.visit("apps/new", kind="web").hidden("form_token")
        sent = {"form_token": token, **form}
        return self.browser.post(f"/oauth/developer/{path}", data=sent, query_string=query)

    def new(self, kind: str = "web", *, owner: str = "alice", **given: Any) -> Client:
        """An app that a user has registered, with its secret."""
        if kind in ("web", "browser", "native"):
            given.setdefault("redirect_uris", [REDIRECT_URI])
        with self.app.app_context():
            return self.apps.register(owner, kind, {"client_name": "Notice board", "scope": READ, **given})

    def now(self, client: Client) -> Client | None:
        return self.gateway.clients.get(client.client_id)

    def as_admin(self, path: str, form: dict[str, Any], **query: Any) -> TestResponse:
        before, self.person = self.person, "root"
        try:
            return self.submit(path, form, **query)
        finally:
            self.person = before
