"""The audit trail's chain: each entry carries a keyed hash over the entry before it and its own content.

Entries are numbered without gaps. The one-row head table names the last entry, and has a hash of its own, so that a
cut-off end is noticed. The key is derived from the app's secrets: somebody who can only write to the database can
change an entry, but the entry then no longer fits. Two attacks remain: whoever has both the database and the key can
write the whole trail anew, and an older copy of both tables fits too.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ...crypto.hashing import sha256
from ...database.bulk import insert_rows
from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.tables import audit, audit_head

#: The columns that an entry's hash covers, beside its number and the hash before it.
COLUMNS = ("at", "event", "outcome", "client_id", "subject", "actor", "address", "details")
BROKEN = "audit_broken"
TRIMMED = "audit_trimmed"  # notes up to which entry the trail was deleted on purpose, and that entry's hash
NOTHING = bytes(32)
PAGE = 1000

_LAST = select(func.max(audit.c.id)).scalar_subquery()
_HEAD = select(audit_head.c.last, audit_head.c.hash, audit_head.c.seal, _LAST.label("highest")).where(
    audit_head.c.id == 1
)
_LOCK_HEAD = _HEAD.with_for_update(of=audit_head)  # SQLite ignores it: there, BEGIN IMMEDIATE makes writers take turns
_MOVE_HEAD = update(audit_head).where(audit_head.c.id == 1)
_ENDS = select(func.min(audit.c.id).label("first"), func.max(audit.c.id).label("last"))
_OLDER = select(audit.c.at).where(audit.c.id >= bindparam("number")).order_by(audit.c.id).limit(1)
logger = logging.getLogger(__name__)
_encode = JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode

Keys = Callable[[], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the entries `first` to `last`."""

    first: int
    last: int
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The number of entries, the number and hash (hex) of the last one, and what is wrong."""

    entries: int
    last: int
    hash: str
    findings: list[Finding]


@again_after_deadlock
def append(database: Database, keys: Keys, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write entries after the last one, in one transaction that holds the head."""
    written = [(_content(entry), _row(entry)) for entry in entries]  # before the head is locked
    for _ in range(2):
        with database.transaction() as connection:
            head = connection.execute(_LOCK_HEAD).first()
            if head is not None:
                _extend(connection, keys(), head, written)
                return
        _make_head(database, keys()[0])
    raise RuntimeError("The head of the audit trail's chain can't be made.")


def verify(database: Database, keys: Keys) -> Verdict:
    """Read the whole trail, and find what was changed, deleted or inserted."""
    known = keys()
    head = database.first(_HEAD)
    if head is None:
        numbers = [row.id for row in database.all(select(audit.c.id).order_by(audit.c.id))]
        return Verdict(len(numbers), 0, NOTHING.hex(), _joined([Finding(n, n, "has no head") for n in numbers]))
    findings = []
    if not _fits(known, head):
        findings.append(Finding(head.last, head.last, "is not what the head was written for"))
    number, good = _trimmed_up_to(database)
    befores, entries = {good}, 0
    left = database.first(select(func.count().label("rows")).select_from(audit).where(audit.c.id <= number))
    if left is not None and left.rows:
        findings.append(Finding(1, number, "was to be deleted, and isn't all gone, or was put in"))
    for row in _rows(database, number, head.highest or 0):
        missing = row.id != number + 1
        if missing:
            findings.append(Finding(number + 1, row.id - 1, "was deleted"))
        values = row._asdict()
        expected = {mac(key, before, row.id, values) for key in known for before in befores}
        befores = {bytes(row.hash)}
        can_be_found = row.client_hash == client_hash(row.client_id)  # else a search by client would miss the entry
        if can_be_found and any(hmac.compare_digest(bytes(row.hash), each) for each in expected):
            good = bytes(row.hash)
            if row.event == BROKEN:
                findings.append(Finding(row.id, row.id, "notes that the end before it had been changed"))
        else:  # the next entry may follow this one as it was before its hash was changed, or the one before this
            befores |= {good, *(mac(key, good, row.id, values) for key in known)}
            if row.id > head.last:
                findings.append(Finding(row.id, row.id, "was put in"))
            elif not missing:  # after a gap there is no hash to check the entry by
                findings.append(Finding(row.id, row.id, "was changed or put in, or follows one that was"))
        number, entries = row.id, entries + 1
    if number < head.last:
        findings.append(Finding(number + 1, head.last, "was deleted"))
    return Verdict(entries, head.last, bytes(head.hash).hex(), _joined(findings))


def trim(database: Database, keys: Keys, before: int) -> int:
    """Note in the trail that the entries from before a time may be deleted; returns the number of the last of them.

    Returns 0 where there are none. The note is an entry like any other, and holds the hash that the next entry follows.
    """
    ends = database.first(_ENDS)
    if ends is None or ends.first is None:
        return 0
    low, high = ends.first - 1, ends.last - 1  # the last entry stays: the head names it
    while low < high:  # numbers rise with time
        middle = (low + high + 1) // 2
        row = database.first(_OLDER, {"number": middle})
        if row is not None and row.at < before:
            low = middle
        else:
            high = middle - 1
    last = None if low < ends.first else database.first(select(audit.c.hash).where(audit.c.id == low))
    if last is None:
        return 0
    note = {"at": int(time.time()), "event": TRIMMED, "outcome": "ok", "actor": "command line or code"}
    append(database, keys, [{**dict.fromkeys(COLUMNS), **note, "details": {"up_to": low, "hash": last.hash.hex()}}])
    return int(low)


def _trimmed_up_to(database: Database) -> tuple[int, bytes]:
    """The last entry that was deleted on purpose: its number and hash. If the note is forged, `verify` finds that later."""
    row = database.first(select(audit.c.details).where(audit.c.event == TRIMMED).order_by(audit.c.id.desc()).limit(1))
    details = row.details if row is not None and isinstance(row.details, dict) else {}
    up_to, entry_hash = details.get("up_to"), details.get("hash")
    if not isinstance(up_to, int) or not isinstance(entry_hash, str):
        return 0, NOTHING
    try:
        return up_to, bytes.fromhex(entry_hash)
    except ValueError:
        return 0, NOTHING


def client_hash(client_id: str | None) -> int | None:
    """The number by which a client's entries are found; few other clients share it."""
    return None if client_id is None else int.from_bytes(sha256(client_id)[:8], "big", signed=True)


def mac(key: bytes, previous: bytes, number: int, entry: Mapping[str, Any]) -> bytes:
    """The hash of an entry, over the one before it."""
    return _mac(key, previous, number, _content(entry))


def _content(entry: Mapping[str, Any]) -> str:
    """What an entry's hash covers of the entry itself: the rest of a JSON array, which begins with what comes before."""
    return _encode([entry[name] for name in COLUMNS])[1:]


def _mac(key: bytes, previous: bytes, number: int, content: str) -> bytes:
    return hmac.digest(key, f'["{previous.hex()}",{number},{content}'.encode(), "sha256")


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "client_hash": client_hash(entry["client_id"])}


def _seal(key: bytes, last: int, entry_hash: bytes) -> bytes:
    return hmac.digest(key, b"head %d " % last + entry_hash, "sha256")


def _fits(keys: Sequence[bytes], head: Any) -> bool:
    return any(hmac.compare_digest(bytes(head.seal), _seal(key, head.last, bytes(head.hash))) for key in keys)


def _extend(
    connection: Connection, keys: Sequence[bytes], head: Any, written: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    last = max(head.last, head.highest or 0)  # a row that somebody inserted after the end must not stop us
    if last != head.last or not _fits(keys, head):
        # Going on silently would seal the change, so an entry notes where it happened.
        logger.error(
            "The audit trail's end, entry %d, is not as it was left: it was changed, or SECRET_KEY was replaced and is not in"
            " SECRET_KEY_FALLBACKS. Look with: flask oauth audit verify.",
            last,
        )
        broken = {**dict.fromkeys(COLUMNS), "at": written[0][1]["at"], "event": BROKEN, "outcome": "error"}
        written = [(_content(broken), _row(broken)), *written]
    entry_hash, rows = bytes(head.hash), []
    for number, (content, row) in enumerate(written, last + 1):
        entry_hash = _mac(keys[0], entry_hash, number, content)
        rows.append({**row, "id": number, "hash": entry_hash})
    insert_rows(connection, audit, rows)
    last += len(rows)
    connection.execute(_MOVE_HEAD.values(last=last, hash=entry_hash, seal=_seal(keys[0], last, entry_hash)))


def _make_head(database: Database, key: bytes) -> None:
    """Make the first head. Where there are entries already, somebody deleted the head, and the new one gets no valid seal."""
    last = (database.first(select(_LAST)) or (None,))[0] or 0
    seal = NOTHING if last else _seal(key, 0, NOTHING)
    with suppress(IntegrityError):  # another process was faster
        database.run(insert(audit_head), {"id": 1, "last": last, "hash": NOTHING, "seal": seal})


def _rows(database: Database, after: int, until: int) -> Iterator[Any]:
    """The entries after one number and up to another, the oldest first."""
    after = after or -(2**63)
    while page := database.all(
        select(audit).where(audit.c.id > after, audit.c.id <= until).order_by(audit.c.id).limit(PAGE)
    ):
        yield from page
        after = page[-1].id


def _joined(findings: list[Finding]) -> list[Finding]:
    """The findings, with equal ones about neighbouring entries joined."""
    joined: list[Finding] = []
    for finding in findings:
        if joined and (joined[-1].what, joined[-1].last + 1) == (finding.what, finding.first):
            joined[-1] = Finding(joined[-1].first, finding.last, finding.what)
        else:
            joined.append(finding)
    return joined
