"""`GET, POST /oauth/admin/keys`: lists the keys that sign JWTs, makes the next one, and retires one.

Those to which clients encrypt their requests are listed and retired, too; the next one is made by age.
"""

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
                if visit.server.settings.request_encryption:
                    visit.server.encryption_keys.all()  # read anew, so that this process knows it at once
            return go("admin_keys", done="changed")
    status = 200 if problem is None else 400
    now, is_encrypted = time.time(), visit.server.settings.request_encryption
    return visit.render(
        "keys.html",
        "keys",
        status,
        keys=ring.all()[::-1],
        encryption=[
            (each, each.retired_at is None or each.retired_at > now)
            for each in visit.server.encryption_keys.all()[::-1]
        ]
        if is_encrypted
        else [],
        now=now,
        problem=problem,
    )
