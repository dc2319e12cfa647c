"""Stores sessions: a row for each browser session and client. A session ends with its row, its codes and its approvals."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.prepared import Prepared
from ...database.tables import approval, client, code, session
from ..issuance import Spend
from ..revocations import Change, RevocationStore
from ..revocations.mark import FOREVER, mark_of
from .logouts import add_in

AT_ONCE = 500  # sessions that one transaction ends: a statement takes a limited number of parameters

_S = session.c
_FIND = Prepared(
    select(_S.sid, _S.expires_at).where(
        _S.browser == bindparam("its_browser"),
        _S.client == bindparam("its_client"),
        _S.expires_at > bindparam("now", type_=BigInteger),
    )
)
_INSERT = Prepared(insert(session), session.c.keys())
_WITH_CLIENT = select(session, client.c.client_id).join(client, client.c.id == _S.client)


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that has ended, how many approvals ended with it, and whether its client must be told."""

    sid: str
    client_id: str | None  # None: the client was deleted
    subject: str
    approvals: int
    is_to_be_told: bool


_HOLD = Prepared(update(session).where(_S.sid == bindparam("in_session")).values(expires_at=_S.expires_at))


class SessionStore:
    """Reads, begins and ends sessions."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations

    def sid_for(self, browser: bytes, owner: int, subject: str, lifetime: int) -> str:
        """The `sid` of a browser's live session at a client; where there is none, one begins.

        Of several at once, one begins it. `owner`: the client's key; `lifetime`: the seconds from now for which it lasts at
        least, so that nothing that is given in it outlives it. It lasts half as long again, lest each sign-in write.
        """
        for _ in range(5):
            now = int(time.time())
            ends = now + lifetime + lifetime // 2
            row = self._database.first(_FIND, {"its_browser": browser, "its_client": owner, "now": now})
            if row is not None:
                if row.expires_at < now + lifetime:
                    longer = update(session).where(_S.sid == row.sid, _S.expires_at < ends)
                    self._database.run(longer.values(expires_at=ends), repeatable=True)
                return str(row.sid)
            values = {
                "sid": secrets.token_urlsafe(32),
                "browser": browser,
                "client": owner,
                "subject": subject,
                "began_at": now,
                "expires_at": ends,
            }
            try:
                self._database.run(_INSERT, values)
            except IntegrityError:  # another request has begun it, or one that expired is there still
                same = and_(_S.browser == browser, _S.client == owner)
                self._database.run(delete(session).where(same, _S.expires_at <= now), repeatable=True)
            else:
                return str(values["sid"])
        raise RuntimeError("A session could neither be found nor begun.")

    def subject_of(self, sid: str) -> str | None:
        """The user of a live session."""
        row = self._database.first(select(_S.subject).where(_S.sid == sid, _S.expires_at > int(time.time())))
        return None if row is None else row.subject

    def browser_of(self, sid: str, subject: str) -> bytes | None:
        """The browser of a user's session, live or expired; `None` where there is none such."""
        row = self._database.first(select(_S.browser).where(_S.sid == sid, _S.subject == subject))
        return None if row is None else bytes(row.browser)

    def is_of_browser(self, sid: str, browser: bytes) -> bool:
        """Whether a live session is this browser's."""
        live = (_S.sid == sid, _S.browser == browser, _S.expires_at > int(time.time()))
        return self._database.first(select(_S.sid).where(*live)) is not None

    def page(
        self, *, owner: int | None, subject: str | None, after: tuple[int, int, bytes] | None, limit: int
    ) -> list[Row[Any]]:
        """Live sessions, those that expire last first; `after` is the `expires_at`, `client` and `browser` of the last one."""
        statement = _WITH_CLIENT.where(_S.expires_at > int(time.time()))
        if owner is not None:
            statement = statement.where(_S.client == owner)
        if subject is not None:
            statement = statement.where(_S.subject == subject)
        if after is not None:
            expires_at, seen, browser = after
            further = or_(_S.client < seen, and_(_S.client == seen, _S.browser < browser))
            statement = statement.where(_S.expires_at <= expires_at, or_(_S.expires_at < expires_at, further))
        order = (_S.expires_at.desc(), _S.client.desc(), _S.browser.desc())
        return self._database.all(statement.order_by(*order).limit(limit))

    @again_after_deadlock
    def end(
        self,
        *,
        sid: str | None = None,
        subject: str | None = None,
        browser: bytes | None = None,
        retry_seconds: int,
    ) -> list[Ended]:
        """End sessions that fit all that is given, at most `AT_ONCE`: all of these, or none. Returns which they were.

        `retry_seconds`: for how long their clients will be told. Raises `ValueError` where nothing is given.
        """
        given = {"sid": sid, "subject": subject, "browser": browser}
        fits = [_S[name] == value for name, value in given.items() if value is not None]
        if not fits:
            raise ValueError("Sessions are ended by sid, subject or browser.")
        now = int(time.time())
        with self._database.transaction() as connection:
            # Whoever is just exchanging a code of one of them holds its row (`stores/codes.py`): what that stored is seen here.
            statement = select(session).where(*fits).order_by(_S.sid).limit(AT_ONCE).with_for_update()
            rows = connection.execute(statement).all()
            if not rows:
                return []
            sids = [row.sid for row in rows]
            clients = self._clients(connection, {row.client for row in rows})
            told = {row.sid for row in rows if row.client in clients and _is_to_be_told(clients[row.client])}
            notes = ({"client": row.client, "subject": row.subject, "sid": row.sid} for row in rows if row.sid in told)
            add_in(connection, notes, now, now + retry_seconds)
            connection.execute(delete(session).where(_S.sid.in_(sids)))
            self._spend_codes(connection, sids, now)
            approvals = self._revoke_approvals(connection, rows, now)
        return [
            Ended(
                sid=row.sid,
                client_id=clients[row.client].client_id if row.client in clients else None,
                subject=row.subject,
                approvals=approvals.get(row.sid, 0),
                is_to_be_told=row.sid in told,
            )
            for row in rows
        ]

    @staticmethod
    def _clients(connection: Connection, keys: set[int]) -> dict[int, Any]:
        found = connection.execute(
            select(client.c.id, client.c.client_id, client.c.metadata).where(client.c.id.in_(keys))
        )
        return {row.id: row for row in found.all()}

    @staticmethod
    def _spend_codes(connection: Connection, sids: Sequence[str], now: int) -> None:
        """Spend the codes of these sessions. What comes later finds no session: but on Galera this is what two nodes clash on.

        They are found without a lock: on MariaDB nobody could get a code meanwhile.
        """
        live = (code.c.sid.in_(sids), code.c.spent_at.is_(None), code.c.expires_at > now)
        found = [row.code_hash for row in connection.execute(select(code.c.code_hash).where(*live))]
        if found:
            unspent = (code.c.code_hash.in_(found), code.c.spent_at.is_(None))
            connection.execute(update(code).where(*unspent).values(spent_at=now))

    def _revoke_approvals(self, connection: Connection, rows: Sequence[Row[Any]], now: int) -> dict[str, int]:
        """Revoke the approvals that end with these sessions, and mark them; returns how many there were of each."""
        whose = (
            approval.c.subject.in_({row.subject for row in rows}),
            approval.c.client.in_({row.client for row in rows}),
            approval.c.sid.in_([row.sid for row in rows]),
        )
        live = (approval.c.revoked_at.is_(None), approval.c.expires_at > now)
        found = connection.execute(select(approval.c.id, approval.c.sid).where(*whose, *live).with_for_update()).all()
        if not found:
            return {}
        keys = [bytes(row.id) for row in found]
        for start in range(0, len(keys), AT_ONCE):
            some = approval.c.id.in_(keys[start : start + AT_ONCE])
            connection.execute(update(approval).where(some).values(revoked_at=now))
        marks = [Change(mark_of("family", key.hex()), issued_until=FOREVER) for key in keys]
        self._revocations.change(marks, connection)
        count: dict[str, int] = {}
        for row in found:
            count[row.sid] = count.get(row.sid, 0) + 1
        return count


def holding(sid: str) -> Spend:
    """A statement that does something only while a session lasts, and that keeps it until the transaction's end."""
    return Spend(_HOLD, {"in_session": sid}, ends_with_tokens=False)


def _is_to_be_told(owner: Row[Any]) -> bool:
    return bool(owner.metadata.get("backchannel_logout_uri"))
