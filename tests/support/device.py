"""The device flow as its tests walk it: the device's requests, and what its user does in a browser."""

from typing import Any

from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.site import DEVICE_CODE, Page, Site


def register(site: Site, **metadata: Any) -> Client:
    defaults = {"grant_types": ["device_code", "refresh_token"], "redirect_uris": [], "client_name": "Set-top box"}
    return site.register_public(**defaults | metadata)


def start(site: Site, client: Client, **data: str) -> dict[str, Any]:
    response = site.post(client, "/oauth/device_authorization", **data)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.get_json())


def poll(site: Site, client: Client, device_code: str | None) -> TestResponse:
    return site.token(client, DEVICE_CODE, **({} if device_code is None else {"device_code": device_code}))


def confirm(site: Site, user_code: str) -> Page:
    """Type a user code; the page that shows who asks for what."""
    page = Page(site.browser.get("/oauth/device"))
    data = {"form_token": page.hidden("form_token"), "user_code": user_code}
    assert page.action is not None
    response = site.browser.post(page.action, data=data)
    assert response.status_code == 200, response.text
    return Page(response)


def decide(site: Site, user_code: str, scopes: str | None = None, decision: str = "allow") -> TestResponse:
    response = site.send(confirm(site, user_code), scopes, decision)
    assert response.status_code == 200, response.text
    return response


def approved(site: Site, client: Client) -> str:
    """The device code of a device that a user has let in."""
    started = start(site, client)
    decide(site, started["user_code"])
    return str(started["device_code"])
