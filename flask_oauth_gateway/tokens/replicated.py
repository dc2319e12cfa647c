"""Looks tokens up on replicas, which may be late: what isn't found good there is asked of the primary before it is refused.

And what is found good, but may have been revoked since. Whatever ends a token, or changes a client, leaves a mark in the
same transaction (`stores/revocations/`), and every process reads the new marks from the primary every
`OAUTH_REVOCATION_POLL_SECONDS`. A replica has the marks' buckets too: a bucket's number there says up to which mark it has
followed. Until it has, the tokens that the mark may be about are asked of the primary. So no clock is compared, and a
replica may be late by whatever time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..stores.revocations.mark import CHANGED, DISABLED, bucket_of, mark_of
from ..stores.revocations.statements import COUNTS
from ..stores.tokens import TokenStore, token_id_of, why_dead
from .revoked import kind_of, marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection
    from sqlalchemy.engine import Row

    from ..database.engine import Database, Statement
    from ..database.servers.replicas import Replicas
    from ..stores.registered_client import Client
    from .revoked import Revoked

COUNTS_SECONDS = 1.0  # for which a connection's counts aren't read again
_NO_COUNTS: tuple[float, dict[int, int]] = (-1e9, {})


class ReplicatedTokens:
    """Does the look-ups of a `TokenStore` on replicas: those that decide about a request, and spend nothing."""

    def __init__(self, replicas: Replicas, tokens: TokenStore, revoked: Revoked) -> None:
        """`tokens` asks the primary."""
        self.replicas = replicas
        self._tokens = tokens
        self._revoked = revoked

    def close(self) -> None:
        """Close the replicas' connections; the next look-up opens new ones."""
        self.replicas.dispose()

    def find(self, token_hash: bytes) -> Row[Any] | None:
        """What `TokenStore.find` returns."""
        self._revoked.poll()

        def judge(connection: Connection, row: Any) -> Row[Any] | None:
            return row if self._is_good(connection, row) else None

        return self._ask(judge).find(token_hash) or self._tokens.find(token_hash)

    def find_for(self, token_hash: bytes, asker: Client) -> Row[Any] | None:
        """What `TokenStore.find_for` returns."""
        self._revoked.poll()

        def judge(connection: Connection, row: Any) -> Row[Any] | None:
            if not self._is_good(connection, row) or not row.asker_is_live:
                return None
            return row if self._has_followed(connection, _marks_of_client(asker.client_id)) else None

        return self._ask(judge).find_for(token_hash, asker) or self._tokens.find_for(token_hash, asker)

    def client_is_live(self, client: Client) -> bool:
        """What `TokenStore.client_is_live` returns."""
        self._revoked.poll()

        def judge(connection: Connection, row: Any) -> Row[Any] | None:
            return row if self._has_followed(connection, _marks_of_client(client.client_id)) else None

        return self._ask(judge).client_is_live(client) or self._tokens.client_is_live(client)

    def _ask(self, judge: Callable[[Connection, Any], Row[Any] | None]) -> TokenStore:
        return TokenStore(cast("Database", _Asked(self.replicas, judge)))

    def _is_good(self, connection: Connection, row: Any) -> bool:
        if row is None or why_dead(row, time.time()) is not None:
            return False
        approval = None if row.family is None else bytes(row.family).hex()
        marks = marks_of(token_id_of(row.token_hash), approval, row.client_id, row.subject)
        return self._has_followed(connection, marks)

    def _has_followed(self, connection: Connection, marks: tuple[bytes, ...]) -> bool:
        """Whether this server has all that these marks are about.

        The row was read after the counts that are compared, on the same connection, and so of the same server.
        """
        numbers = self._revoked.numbers_of(marks)
        if not numbers:
            return True
        info = connection.connection.info
        read_at, counts = info.get(__name__, _NO_COUNTS)
        if all(counts.get(bucket_of(mark), 0) >= number for mark, number in numbers.items()):
            return True
        now = time.monotonic()
        if now - read_at >= COUNTS_SECONDS:  # for the next who asks here
            info[__name__] = (now, {row.bucket: row.number for row in COUNTS.execute(connection, {}).all()})
        return False


class _Asked(NamedTuple):
    """The replicas, as a store asks its database."""

    replicas: Replicas
    judge: Callable[[Connection, Any], Row[Any] | None]

    def first(self, statement: Statement, parameters: Mapping[str, Any]) -> Row[Any] | None:
        return self.replicas.first(statement, parameters, self.judge)


def _marks_of_client(client_id: str) -> tuple[bytes, ...]:
    """What tells that a client may do less than before, or has another secret."""
    return mark_of(CHANGED, client_id), mark_of(DISABLED, client_id), mark_of(*kind_of(client_id, None))
