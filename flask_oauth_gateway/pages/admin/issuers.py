"""`GET /oauth/admin/issuers`: the issuers that are trusted, and when their certificates expire."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...descriptions.issuers import describe_issuers
from . import Visit, page

if TYPE_CHECKING:
    from flask import Response

SOON = 30 * 86400


@page
def issuers(visit: Visit) -> Response:
    """Show the configured issuers. Keys at a URL are not fetched, so that the page doesn't wait for other servers."""
    found = describe_issuers(visit.server, configured_only=True)
    return visit.render("issuers.html", "issuers", issuers=found, soon=time.time() + SOON)
