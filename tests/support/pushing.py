"""Pushes authorization requests (RFC 9126), and sends a browser with their names."""

from typing import Any

from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.site import Site, query

URN = "urn:ietf:params:oauth:request_uri:"


def pushing(site: Site, client: Client, **parameters: Any) -> TestResponse:
    """What the endpoint answers to a request, by default with all that a code needs; a parameter that is `None` is left out."""
    return site.post(client, "/oauth/par", **query(client, **parameters))


def push(site: Site, client: Client, **parameters: Any) -> str:
    """The `request_uri` of a request that is taken."""
    response = pushing(site, client, **parameters)
    assert response.status_code == 201, response.text
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith(URN)
    assert len(body["request_uri"]) >= len(URN) + 43, "256 random bits"
    return str(body["request_uri"])


def come(site: Site, client: Client | str, request_uri: str, **more: Any) -> TestResponse:
    """A browser comes with a pushed request, and with whatever else stands in the query."""
    client_id = client if isinstance(client, str) else client.client_id
    headers = more.pop("headers", {"Accept": "text/html"})
    sent = {"client_id": client_id, "request_uri": request_uri, **more}
    return site.browser.get("/oauth/authorize", query_string=sent, headers=headers)
