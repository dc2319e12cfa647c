"""`Looker`: looks at the pages of a site without a browser."""

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from tests.support.served_site import SCOPES, ServedSite

CALLBACK = "https://app.example/cb"


class Looker:
    """Looks at the pages of a site without a browser."""

    def __init__(self, site: ServedSite, http: Client) -> None:
        site.url, site.callback = "", CALLBACK
        self.site = site
        self.http = http

    def consent(self, client: Client, **parameters: str) -> TestResponse:
        return self.http.get(self.site.request_for(client, **parameters))

    def device(self, user_code: str = "", **form: str) -> TestResponse:
        token = hidden(self.http.get("/oauth/device"), "form_token")
        return self.http.post("/oauth/device", data={"form_token": token, "user_code": user_code, **form})

    def allow(self, page: TestResponse, action: str, accept: str = "*/*") -> TestResponse:
        data = {"form_token": hidden(page, "form_token"), "decision": "allow", "scope": [*SCOPES]}
        if 'name="user_code"' in page.text:
            data["user_code"] = hidden(page, "user_code")
        return self.http.post(action, data=data, headers={"Accept": accept})


def hidden(page: TestResponse, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def signed_in(app: Flask, name: str = "alice") -> FlaskClient:
    http = app.test_client()
    with http.session_transaction() as session:
        session["user"] = name
    return http


def every_page(looker: Looker) -> dict[str, TestResponse]:
    """Each page once, by its template's name."""
    client = looker.site.register()
    pages = {"error": looker.http.get("/oauth/authorize"), "consent": looker.consent(client)}
    pages["form_post"] = looker.allow(
        looker.consent(client, response_mode="form_post"), looker.site.request_for(client, response_mode="form_post")
    )
    again = looker.site.request_for(client, prompt="consent")
    pages["leaving"] = looker.allow(looker.http.get(again), again, "text/html,*/*;q=0.8")
    pages["applications"] = looker.http.get("/oauth/applications")
    pages["device"] = looker.http.get("/oauth/device")
    pages["device_confirm"] = looker.device(looker.site.start_device(client)["user_code"])
    pages["device_done"] = looker.allow(pages["device_confirm"], "/oauth/device")
    logout = {"client_id": client.client_id, "post_logout_redirect_uri": client.redirect_uris[0]}
    pages["logout"] = looker.http.get("/oauth/logout", query_string=logout)
    answer = {"form_token": hidden(pages["logout"], "form_token")}
    pages["signed_out"] = looker.http.post("/oauth/logout", data=answer)
    pages["logout_again"] = looker.http.post("/oauth/logout", data=logout)
    return pages
