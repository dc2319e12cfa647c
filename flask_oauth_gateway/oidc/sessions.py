"""Sessions: who is signed in at which client, from this browser. Each has a `sid`, which its ID tokens carry.

The app's own session stays the app's: one opaque value is kept in it, which stands for the browser. Together with the user it
gives the session at each client, so another user in the same browser has other sessions.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flask import current_app, has_request_context, request, session

from ..crypto.hashing import sha256
from ..signals import session_ended
from ..stores.openid.sessions import AT_ONCE
from ..web.environ import actor as actor_of_request

if TYPE_CHECKING:
    from flask import Flask

    from ..config import Settings
    from ..stores.openid.sessions import Ended, SessionStore
    from ..stores.registered_client import Client
    from ..tokens.revoking import Revoking

SESSION_KEY = "oauth_session"
SHOWN = 8  # characters of a `sid` that the log, signals and the audit trail may have


class Sessions:
    """One app's sessions. `deliver_soon` is called where a client must be told of an end, after that is stored."""

    def __init__(self, app: Flask, settings: Settings, store: SessionStore, revoking: Revoking) -> None:
        self._app = app
        self._settings = settings
        self._store = store
        self._revoking = revoking
        self.deliver_soon: Callable[[], None] = _nobody_to_tell

    def sid_for(self, client: Client, subject: str) -> str | None:
        """The `sid` of the user's session at a client, from the browser that asks; where there is none yet, one begins.

        `None` where the app has no sessions: it has no `SECRET_KEY`.
        """
        value = self._value_of_browser()
        if value is None:
            return None
        lifetime = max(
            int(self._app.permanent_session_lifetime.total_seconds()),
            client.refresh_token_lifetime or self._settings.refresh_token_lifetime,
        )
        return self._store.sid_for(_browser(value, subject), client.key, subject, lifetime)

    def end(
        self, *, subject: str | None = None, sid: str | None = None, by: str | None = None, actor: str | None = None
    ) -> int:
        """End the sessions of a user, or one by its `sid`, or that one if it is this user's; returns how many.

        With a session end its tokens, those that the user allowed with `offline_access` excepted, and its client is told.
        Signals and the audit trail name `by` (who did it) and `actor` (their subject, if known). Raises `ValueError` where
        neither is given, so that nobody ends everybody's by oversight, and `TemporarilyUnavailable`.
        """
        if subject is None and sid is None:
            raise ValueError("end() needs a subject or a sid.")
        actor = actor_of_request() if actor is None and has_request_context() else actor
        by = by or ("code" if actor is None else "an administrator")
        return self._end(by, actor, subject=subject, sid=sid)

    def end_of_browser(self, subject: str) -> int:
        """End the user's sessions of the browser that asks, and forget it; returns how many there were."""
        value = session.get(SESSION_KEY)
        if value is None:
            return 0
        ended = self._end("the user", None, browser=_browser(value, subject))
        session.pop(SESSION_KEY, None)
        return ended

    def is_of_browser(self, sid: str, subject: str) -> bool:
        """Whether a `sid` is of a live session of this user and of the browser that asks."""
        value = session.get(SESSION_KEY)
        return value is not None and self._store.is_of_browser(sid, _browser(value, subject))

    def _end(self, by: str, actor: str | None, **which: str | bytes | None) -> int:
        count = 0
        while True:
            with self._revoking.forgetting_in_doubt():
                ended = self._store.end(**which, retry_seconds=self._settings.backchannel_retry)  # type: ignore[arg-type]
            if ended:
                self._tell(ended, by, actor)
            count += len(ended)
            if len(ended) < AT_ONCE:
                return count

    def _tell(self, ended: Sequence[Ended], by: str, actor: str | None) -> None:
        try:
            self._revoking.forget()
        finally:  # what is done is said, even where the other processes can't be told
            for each in ended:
                shown = each.sid[:SHOWN]
                session_ended.send(
                    self._app, client_id=each.client_id, subject=each.subject, sid=shown, by=by, actor=actor
                )
                if each.approvals:
                    self._revoking.say(
                        each.client_id,
                        each.subject,
                        token_id=None,
                        count=each.approvals,
                        by="the end of a session",
                        actor=actor,
                    )
            if any(each.is_to_be_told for each in ended):
                self.deliver_soon()

    @staticmethod
    def _value_of_browser() -> str | None:
        """What stands for the browser in the app's session, put there on first use; `None` where there are no sessions.

        First requests that come at once must agree on it: it follows from the session's cookie, which all of them sent.
        """
        value = session.get(SESSION_KEY)
        if value is None:
            if current_app.session_interface.is_null_session(session._get_current_object()):  # type: ignore[attr-defined]  # noqa: SLF001
                return None
            cookie = request.cookies.get(current_app.config["SESSION_COOKIE_NAME"])
            seen = "\0".join((cookie or "", request.user_agent.string, request.remote_addr or ""))
            value = urlsafe_b64encode(sha256(seen)).rstrip(b"=").decode() if cookie else secrets.token_urlsafe(32)
            session[SESSION_KEY] = value
        return str(value)


def _browser(value: str, subject: str) -> bytes:
    return sha256(f"{value}\0{subject}")


def _nobody_to_tell() -> None:
    """Do nothing."""
