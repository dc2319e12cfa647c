"""`GET, POST /oauth/admin/keys`: lists the keys that sign JWTs, makes the next one, and retires one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from . import Visit, go, page, stale_text

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse


@page
def keys(visit: Visit) -> Response | BaseResponse:
    ring = visit.server.key_ring
    problem = None
    if visit.form is not None:
        problem = stale_text() if visit.is_stale else None
        if problem is None:
            if visit.sent("action") == "rotate":
                ring.rotate()
            elif visit.sent("action") == "retire":
                ring.retire(visit.sent("kid")[:64])
            return go("admin_keys", done="changed")
    status = 200 if problem is None else 400
    return visit.render("keys.html", "keys", status, keys=ring.all()[::-1], now=time.time(), problem=problem)
