"""`GET /oauth/admin/issuers`: who is trusted to sign assertions, and until when their certificates are good."""

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
    """Those of the configuration. What stands at a URL is not fetched: the page must not wait for others."""
    found = describe_issuers(visit.server, configured_only=True)
    return visit.render("issuers.html", "issuers", issuers=found, soon=time.time() + SOON)
