"""Sessions: who is signed in at which client, from this browser. Each has a `sid`, which its ID tokens carry.

The app's own session stays the app's: one opaque value is kept in it, which stands for the browser. Together with the user it
gives the session at each client, so another user in the same browser has other sessions.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, current_app, has_request_context, request, session

from ..crypto.hashing import sha256
from ..errors import TemporarilyUnavailable
from ..hooks import UnusableSubject, check_subject, subject_of
from ..signals import session_ended
from ..stores.openid.sessions import AT_ONCE
from ..web.environ import actor as actor_of_request

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..stores.clients import ClientStore
    from ..stores.openid.sessions import Ended, SessionStore
    from ..stores.registered_client import Client
    from ..tokens.revoking import Revoking

SESSION_KEY = "oauth_session"
_GRANTS = ("authorization_code", "implicit")  # by which a session gives tokens
SHOWN = 8  # characters of a `sid` that the log, signals and the audit trail may have


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions. `next` is where the next page begins, `sessions.find(..., after=page.next)`; `None` on the last page."""

    sessions: Sequence[Row[Any]]
    next: str | None


class Sessions:
    """The sessions: `find`, `end`. `deliver_soon` is called where a client must be told of an end, after that is stored."""

    def __init__(
        self, app: Flask, settings: Settings, clients: ClientStore, store: SessionStore, revoking: Revoking
    ) -> None:
        self._app = app
        self._settings = settings
        self._clients = clients
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
            client.access_token_lifetime or max(map(self._settings.access_token_lifetime_of, _GRANTS)),
        )
        return self._store.sid_for(_browser(value, subject), client.key, subject, lifetime)

    def find(
        self, *, client_id: str | None = None, subject: str | None = None, limit: int = 100, after: str | None = None
    ) -> SessionPage:
        """A page of live sessions: those at a client, of a user, of both, or all. Those that expire last come first.

        Each has `sid`, `client_id`, `subject`, `began_at` and `expires_at`. Raises `ValueError` for an `after` that no page
        gave, a `limit` below 1, or a subject that is no text.
        """
        check_subject(subject)
        if limit < 1:
            raise ValueError("limit is a number of 1 or more.")
        owner = None if client_id is None else self._clients.load(client_id)
        if client_id is not None and owner is None:
            return SessionPage([], None)
        key = None if owner is None else owner.key
        rows = self._store.page(owner=key, subject=subject, after=_position(after), limit=limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        following = None if last is None else f"{last.expires_at}.{last.client}.{bytes(last.browser).hex()}"
        return SessionPage(rows[:limit], following)

    def end(
        self, *, subject: str | None = None, sid: str | None = None, by: str | None = None, actor: str | None = None
    ) -> int:
        """End the sessions of a user, or one by its `sid`, or that one if it is this user's; returns how many.

        With a session end its tokens, those that the user allowed with `offline_access` excepted, and its client is told.
        Signals and the audit trail name `by` (who did it) and `actor` (their subject, if known). Raises `ValueError` where
        neither is given, so that nobody ends everybody's by oversight, or the subject is no text, and `TemporarilyUnavailable`.
        """
        if subject is None and sid is None:
            raise ValueError("end() needs a subject or a sid.")
        check_subject(subject)
        actor = actor_of_request() if actor is None and has_request_context() else actor
        by = by or ("code" if actor is None else "an administrator")
        return self._end(by, actor, subject=subject, sid=sid)

    def end_of_browser(self, subject: str) -> int:
        """End the user's sessions of the browser that asks, and forget it; returns how many there were.

        For an app's own sign-out, before or after it clears Flask's session. Raises `TemporarilyUnavailable`.
        """
        value = session.get(SESSION_KEY)
        if value is None:  # the app may have cleared its session before: what the browser sent still tells
            sent = self._app.session_interface.open_session(self._app, request)
            value = None if sent is None else sent.get(SESSION_KEY)
        if value is None:
            return 0
        ended = self._end("the user", None, browser=_browser(value, subject))
        session.pop(SESSION_KEY, None)
        return ended

    def end_beside(self, sid: str, subject: str) -> int:
        """End the user's session with this `sid` and those of the same browser, whichever that was; returns how many.

        A browser that was closed may have lost what stands for it, while the app still knows its user.
        """
        browser = self._store.browser_of(sid, subject)
        return 0 if browser is None else self._end("the user", None, browser=browser)

    def is_of_browser(self, sid: str, subject: str) -> bool:
        """Whether a `sid` is of a live session of this user and of the browser that asks."""
        value = session.get(SESSION_KEY)
        return value is not None and self._store.is_of_browser(sid, _browser(value, subject))

    def subject_of(self, sid: str) -> str | None:
        """Whose session this is, if it lives: what a client knows of the user may be another name."""
        return self._store.subject_of(sid)

    def to_keep(self, subject: str) -> list[str] | None:
        """What stands for this browser, for `put_back` after a sign-in at which the app clears its session."""
        value = session.get(SESSION_KEY)
        return None if value is None else [value, _browser(value, subject).hex()]

    def put_back(self, kept: Sequence[str] | None, subject: str) -> None:
        """Put back what `to_keep` gave, where it is gone and the same user has signed in."""
        if kept and SESSION_KEY not in session and kept[1] == _browser(kept[0], subject).hex():
            session[SESSION_KEY] = kept[0]

    def end_at_sign_out(self) -> None:
        """End the sessions of a browser whose user signs out by Flask-Login, if the app has that."""
        if getattr(self._app, "login_manager", None) is not None:
            from flask_login import user_logged_out

            user_logged_out.connect(self._signed_out, sender=self._app)

    def _signed_out(self, sender: Flask, user: Any = None, **_: Any) -> None:
        if not getattr(user, "is_authenticated", False):
            return
        try:
            self.end_of_browser(subject_of(user))
        except UnusableSubject:
            return  # who can't be a subject has no session here
        except TemporarilyUnavailable:
            abort(503)  # the app's own view is being answered

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

        First requests that come at once must agree on it: it follows from the session's cookie, which all of them sent. Two
        browsers whose cookies are the same count as one: of one user who signed in twice within a second.
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


def _position(after: str | None) -> tuple[int, int, bytes] | None:
    if after is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}\.[0-9]{1,18}\.[0-9a-f]{64}", after):
        raise ValueError("after is what an earlier page gave as next.")
    expires_at, client, browser = after.split(".")
    return int(expires_at), int(client), bytes.fromhex(browser)


def _nobody_to_tell() -> None:
    """Do nothing."""
