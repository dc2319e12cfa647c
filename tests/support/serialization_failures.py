"""A proxy before PostgreSQL that undoes statements and commits, as databases do that let transactions go on side by side."""

from __future__ import annotations

import random
from collections import Counter

from tests.support.proxy import Proxy

#: The server itself says it, and so stands as after such an error: in a transaction, this one is lost.
FAILS = b"DO $$ BEGIN RAISE EXCEPTION 'restart transaction' USING ERRCODE = '40001'; END $$"
OF_A_STATEMENT = (b"P", b"B", b"D", b"E", b"C", b"H")  # Parse, Bind, Describe, Execute, Close, Flush


class SerializationFailures(Proxy):
    """Of so many statements of the gateway, and of so many COMMITs, one fails with 40001, while `one_in` is set.

    A statement that fails has not reached the server. Instead of a COMMIT the server gets a ROLLBACK.
    """

    def __init__(self, host: str, port: int) -> None:
        self.one_in = 0
        self.failed: Counter[str] = Counter()
        self._chance = random.Random(15)  # noqa: S311 (not for secrecy)
        self._held: dict[
            int, tuple[bytes, list[bytes]]
        ] = {}  # of each connection: a part of a message, and of a statement
        self._texts: dict[tuple[int, bytes], bytes] = {}  # of statements, by their names
        super().__init__(host, port)

    def heard(self, connection: int, data: bytes) -> bytes:
        rest, statement = self._held.pop(connection, (b"", []))
        rest += data
        handed_on = b""
        while True:
            message, rest = _first_message(rest)
            if not message:
                break
            statement.append(message)
            if message[:1] not in OF_A_STATEMENT:
                handed_on += self._or_failure(connection, statement)
                statement = []
        self._held[connection] = rest, statement
        return handed_on

    def _or_failure(self, connection: int, messages: list[bytes]) -> bytes:
        whole = b"".join(messages)
        is_commit, is_ours = self._look(connection, messages)
        if not (is_commit or is_ours) or not self.one_in or self._chance.randrange(self.one_in):
            return whole
        self.failed["commit" if is_commit else "statement"] += 1
        return _query(b"ROLLBACK; " + FAILS if is_commit else FAILS)

    def _look(self, connection: int, messages: list[bytes]) -> tuple[bool, bool]:
        """Whether this is a COMMIT, and whether it is another statement of the gateway's own tables."""
        is_commit = is_ours = False
        for message in messages:
            text, name = message[5:].split(b"\0")[0], b""
            if message[:1] == b"P":
                name, text = message[5:].split(b"\0")[:2]
                self._texts[connection, name] = text
            elif message[:1] == b"B":
                name = message[5:].split(b"\0")[1]
                text = self._texts.get((connection, name), b"")
            elif message[:1] != b"Q":
                continue
            is_commit |= text.strip() == b"COMMIT"
            is_ours |= b"oauth_" in text
        return is_commit, is_ours


def _first_message(data: bytes) -> tuple[bytes, bytes]:
    """The first message of a client, and the rest; b"" where it isn't all there. The very first has no type."""
    start = 0 if data[:1] == b"\0" else 1
    if len(data) < start + 4:
        return b"", data
    length = start + int.from_bytes(data[start : start + 4], "big")
    return (data[:length], data[length:]) if len(data) >= length else (b"", data)


def _query(text: bytes) -> bytes:
    return b"Q" + (len(text) + 5).to_bytes(4, "big") + text + b"\0"
