"""`/oauth/admin/sessions`: lists the sessions of users at clients, by client and user; ends one, or all of a user.

And the clients that are still to be told of sessions that have ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest

from . import PAGE, Visit, go, page, stale_text

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

MOST_UNTOLD = 20  # the oldest


@page
def sessions(visit: Visit) -> Response | BaseResponse:
    """List live sessions, and end those that the form names: one by its `sid`, or all of a user."""
    server, problem = visit.server, None
    if visit.form is not None:
        problem = stale_text() if visit.is_stale else None
        sid, subject = visit.sent("sid") or None, visit.sent("subject") or None
        if problem is None and (sid or subject):
            server.openid.sessions.end(sid=sid, subject=subject, by="an administrator", actor=visit.subject)
            return go(
                "admin_sessions", client_id=visit.asked("client_id"), subject=visit.asked("subject"), done="ended"
            )
    asked = {name: value for name in ("client_id", "subject") if (value := visit.asked(name)) is not None}
    try:
        found = server.openid.sessions.find(**asked, after=visit.asked("after"), limit=PAGE)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    status = 200 if problem is None else 400
    return visit.render(
        "sessions.html",
        "sessions",
        status,
        problem=problem,
        asked=asked,
        found=found.sessions,
        following=found.next,
        untold=server.openid.logouts.waiting(MOST_UNTOLD),
    )
