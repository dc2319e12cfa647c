"""Authorization details for tests: two types, and a site with a client for them."""

import json
from typing import Any

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer
from tests.support.site import DEVICE_CODE, MakeSite, Site

PAYMENT = {"type": "payment", "amount": {"currency": "EUR", "value": "49.90"}, "creditor": "Bäckerei Müller"}
FILES = {"type": "files", "actions": ["read", "write"], "locations": ["https://files.example/alice"]}
TYPES = {
    "payment": {
        "description": "Pay once",
        "required": ("amount",),
        "allowed": ("creditor", "account"),
        "multiple": False,
    },
    "files": {"description": "Use your files"},
    "secret": {"description": "No client of these tests may ask for this"},
}
OF_CLIENT = ["payment", "files"]


def asked(*details: dict[str, Any]) -> str:
    """Details as a parameter."""
    return json.dumps(details)


def make_paying(make_site: MakeSite, **config: Any) -> Site:
    """A site whose clients may ask for details, with `GET /pay`, which tells those of its token."""
    site = make_site(OAUTH_AUTHORIZATION_DETAILS=TYPES, **config)

    @site.app.get("/pay")
    @require_token(detail="payment")
    def pay() -> list[dict[str, Any]]:
        return current_token.authorization_details

    return site


def paying_client(site: Site, **metadata: Any) -> Client:
    """A client of that site with every grant that it has."""
    grants = ["authorization_code", "refresh_token", "client_credentials", "password", "implicit", DEVICE_CODE]
    grants = [name for name in grants if name in site.gateway.settings.grant_types]
    return site.register(**{"grant_types": grants, "authorization_details_types": OF_CLIENT} | metadata)


def pay(site: Site, token: str) -> Any:
    """What the protected view says to a token: its details, or the error."""
    response = site.app.test_client().get("/pay", headers=bearer(token))
    return response.get_json() if response.status_code == 200 else response.get_json()["error"]
