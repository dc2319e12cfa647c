"""Every page with every kind of row that can stand on it."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.flows_support import Page, Site
from tests.signing import Signer
from tests.support import sqlite_only

NONE = "\N{EN DASH}"  # what stands where there is nothing


@sqlite_only
def test_a_configured_key_needs_no_certificate(make_app: Callable[..., Flask]) -> None:
    signer = Signer()
    issuers: dict[str, Any] = {
        "https://pem.example": {"key": signer.pem()},
        "https://set.example": {"jwks": signer.jwks()},
    }
    site = Site(make_app(OAUTH_ADMIN=True, OAUTH_GRANT_TYPES=["jwt_bearer"], OAUTH_JWT_ISSUERS=issuers))
    site.gateway.is_admin(lambda _: True)
    text = Page(site.browser.get("/oauth/admin/issuers")).text
    assert f"EC P-256 ES256 {NONE} {NONE}" in text
    assert f"EC P-256 k1 ES256 {NONE} {NONE}" in text
