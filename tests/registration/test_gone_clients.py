"""A client that was deleted is told `invalid_client` with 401, whatever it asks and whichever process it asks.

Claude and others register anew at that answer alone, and are stuck for ever with any other.
"""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import refusal
from tests.support.databases import every_database
from tests.support.site import DEVICE_CODE, MakeSite, Site, error_page

Ask = Callable[[Site, Client, dict[str, Any]], TestResponse]
#: What it may ask, with what it was given before.
ASKED: tuple[Ask, ...] = (
    lambda site, client, had: site.redeem(client, had["code"]),
    lambda site, client, had: site.redeem(client, had["unknown"]),
    lambda site, client, had: site.redeem(client, had["code"], code_verifier="x" * 43),
    lambda site, client, had: site.refresh(client, had["refresh_token"]),
    lambda site, client, had: site.refresh(client, had["refresh_token"], scope="nope"),
    lambda site, client, had: site.refresh(client, had["unknown"]),
    lambda site, client, had: site.token(client, DEVICE_CODE, device_code=had["device_code"]),
    lambda site, client, had: site.token(client, DEVICE_CODE, device_code=had["unknown"]),
    lambda site, client, had: site.post(client, "/oauth/revoke", token=had["refresh_token"]),
    lambda site, client, had: site.post(client, "/oauth/revoke", token=had["access_token"]),
    lambda site, client, had: site.post(client, "/oauth/revoke", token=had["unknown"]),
)


@every_database
@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
@pytest.mark.parametrize("ended", ["deleted", "disabled"])
def test_a_client_that_is_gone_is_told_so_in_every_process_at_once(
    make_site: MakeSite, ended: str, method: str
) -> None:
    here, there = (make_site(OAUTH_RATE_LIMITS=None) for _ in range(2))
    wrong = {}
    for number, ask in enumerate(ASKED):  # each with a client of its own, which this process remembers
        grants = ["authorization_code", "refresh_token", DEVICE_CODE]
        client = here.register(grant_types=grants, token_endpoint_auth_method=method)
        had = here.tokens(client)
        had |= {"unknown": "unknown", "code": here.code(client)} | here.post(
            client, "/oauth/device_authorization"
        ).get_json()
        here.post(client, "/oauth/revoke", token="unknown")
        if ended == "deleted":
            there.gateway.clients.delete(client.client_id)
        else:
            there.gateway.clients.update(client.client_id, enabled=False)
        response = ask(here, client, had)
        if (response.status_code, (response.get_json() or {}).get("error")) != (401, "invalid_client"):
            wrong[number] = response.text
        else:
            refusal(response, 401, "invalid_client")
        assert not here.is_live(had["access_token"])
    assert not wrong, sorted(wrong.items())
    page = error_page(here.ask(client), "invalid_client")
    assert "Remove the connection in that program, and connect again." in page
