"""What the readers of other registries share: rows of a file, and their members."""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clients.members import ClientMetadataError
from ..clients.members.hardening import HARDENING_MEMBERS, SHARED_SECRET, is_off
from ..clients.members.openid import OF_OAUTH_TOO, OPENID_MEMBERS
from ..clients.secrets import KnownSecret
from ..config.checks import full_grant_type
from ..crypto.hashing import BCRYPT, is_bcrypt_installed, is_known_digest, is_too_costly
from ..errors import shown
from ..features import GRANTS
from . import NOT_AS_EXPECTED, Entry, Outcome, Unreadable, why

if TYPE_CHECKING:
    from ..config import Settings

SQLITE = b"SQLite format 3\0"
#: Scopes of OpenID Connect and of offline access, which mean nothing where `OAUTH_SCOPES` doesn't name them.
PROTOCOL_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline", "offline_access"})
#: How the stored form of a hashed secret begins: `$function$`, or as in Django.
HASHED = re.compile(r"\$[a-z0-9_-]{1,20}\$|pbkdf2_|argon2\$|bcrypt|scrypt\$|md5\$")

#: What a client can only be held to that has something to sign with.
SIGNED = ("request_object_signing_alg", "require_signed_request_object")


def read_each(
    rows: Iterable[Any], kind: str, read: Callable[[int, Mapping[str, Any]], Iterable[Entry | Outcome]]
) -> Iterator[Entry | Outcome]:
    """The entries that `read` makes of each row, given its number; a refusal for a row that can't be read.

    `kind` is what the rows are called, as "app".
    """
    for number, row in enumerate(rows, 1):
        try:
            if not isinstance(row, Mapping):
                raise Unreadable("it is not an object.")
            yield from read(number, row)
        except NOT_AS_EXPECTED as error:
            yield Outcome("", f"{kind} {number}", "refused", [why(error)])


def parse_json(file: Path) -> Any:
    """Parse a file's JSON. Raises `Unreadable`."""
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The file is not JSON: {error}.") from None


def objects(found: Any, *names: str) -> list[Any]:
    """The rows of a list, of a list in the member with one of `names`, or else the one object itself."""
    if isinstance(found, Mapping):
        found = next((found[name] for name in names if isinstance(found.get(name), list)), [found])
    if not isinstance(found, list):
        raise Unreadable("The file is neither a list nor an object.")
    return found


def table(file: Path, *names: str, columns: Collection[Collection[str]]) -> list[Any]:
    """The rows of a table, from a SQLite file or as JSON. Of a SQLite file, the table that has all of one of `columns`."""
    raw = file.read_bytes()
    if not raw.startswith(SQLITE):
        return objects(parse_json(file), *names)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"  # so that SQLite doesn't play back a journal beside the original
        copy.write_bytes(raw)
        log = file.with_name(f"{file.name}-wal")  # what was written last may stand there alone
        if log.is_file():
            copy.with_name("copy.db-wal").write_bytes(log.read_bytes())
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.row_factory = sqlite3.Row
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    quoted = '"' + name.replace('"', '""') + '"'
                    its = {row["name"] for row in connection.execute(f"PRAGMA table_info({quoted})")}
                    if any(its.issuperset(each) for each in columns):
                        return [dict(row) for row in connection.execute(f"SELECT * FROM {quoted}")]  # noqa: S608  quoted above
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise Unreadable(f"The SQLite file can't be read: {error}.") from None
    raise Unreadable(f"The SQLite file has no table with {' and '.join(next(iter(columns)))}.")


def text(entry: Mapping[str, Any], name: str) -> str:
    """A member that must be a text, and not empty. Raises `Unreadable`."""
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"it has no {name!r}.")
    return value


def listed(entry: Mapping[str, Any], name: str) -> list[Any]:
    """A member that must be a list, or missing. Raises `Unreadable`."""
    value = entry.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"its {name!r} is not a list.")
    return value


def whole_number(entry: Mapping[str, Any], name: str) -> int | None:
    """A member that must be a number, also as a text, or missing or empty. Raises `Unreadable`.

    An end that can't be read is no reason to let a secret live for ever.
    """
    value = entry.get(name)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise Unreadable(f"its {name!r} is {shown(value, 40)}, which is no number.") from None


def known_secret(value: Any, expires_at: int | None = None) -> tuple[tuple[KnownSecret, ...], list[str]]:
    """A secret as another server keeps it, in plain or hashed, and a note where it can't be used here."""
    if value is None or value == "":
        return (), ["it has no secret: give it one with rotate-secret"]
    if not isinstance(value, str) or not HASHED.match(value):
        return (KnownSecret(plain=value, expires_at=expires_at),), []
    digest = value.removeprefix("argon2") if value.startswith("argon2$") else value
    digest = digest.removeprefix("bcrypt$") if value.startswith("bcrypt$$2") else digest  # Django's
    if is_known_digest(digest):
        return (KnownSecret(digest=digest, expires_at=expires_at),), []
    is_costly = is_too_costly(digest)
    if digest.startswith(BCRYPT) and not is_costly and not is_bcrypt_installed():
        return (), ["its secret is hashed by bcrypt: pip install 'flask-oauth-gateway[bcrypt]', and import it then"]
    found = re.match(r"\$?([a-z0-9_-]{1,20})(?=\$)", value)
    way = "bcrypt" if digest.startswith("$2") else found[1] if found else "an unknown function"
    problem = "at too great a cost for each guess" if is_costly else "which can't be checked here"
    return (), [f"its secret is hashed by {way}, {problem}: give it a new one with rotate-secret"]


def known_grants(names: Iterable[Any]) -> tuple[list[str], list[str]]:
    """The grant types that there are here too, and a note that names the others."""
    full = [full_grant_type(str(name)) for name in names]
    beyond = [shown(name, 80) for name in full if name not in GRANTS]
    return [name for name in full if name in GRANTS], [f"there is no grant like {', '.join(beyond)} here"] * bool(
        beyond
    )


def known_scopes(
    names: Iterable[Any], settings: Settings, of_the_server: Collection[str] = PROTOCOL_SCOPES
) -> tuple[list[str], list[str]]:
    """The scopes without those of the other server itself that `OAUTH_SCOPES` lacks, and a note that names these."""
    every = [str(name) for name in names]
    beyond = sorted({name for name in every if name in of_the_server and name not in settings.scopes})
    kept = [name for name in every if name not in beyond]
    named = ", ".join(shown(name, 80) for name in beyond[:10])
    return kept, [f"without the scopes {named}, which OAUTH_SCOPES lacks"] * bool(beyond)


def further_members(
    given: Mapping[str, Any], settings: Settings, *, method: str | None = None, has_keys: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """What a registration says beyond plain OAuth, as far as it can be had here, and a note that names the rest.

    `given` has it by the names that it has here. Of a list, each item is taken or left by itself. `method` and `has_keys`
    say how the client could sign its requests.
    """
    kept: dict[str, Any] = {}
    without = []
    for name, value in given.items():
        if not value:
            continue
        items = value if isinstance(value, list) else [value]
        is_on = _is_on(name, settings) and (name not in SIGNED or _could_sign(given, method, has_keys))
        good = [item for item in items if is_on and _is_good(name, [item] if value is items else item, settings)]
        if good:
            kept[name] = good if value is items else value
        if len(good) < len(items):
            without.append(name)
    return kept, [f"without {'some of ' * (name in kept)}its {name}" for name in without]


def _is_on(name: str, settings: Settings) -> bool:
    if name in OPENID_MEMBERS and name not in OF_OAUTH_TOO:
        return settings.oidc
    return not is_off(name, settings)


def _could_sign(given: Mapping[str, Any], method: str | None, has_keys: bool) -> bool:
    if given.get("request_object_signing_alg") == SHARED_SECRET:
        return method == "client_secret_jwt"
    return has_keys or (method == "client_secret_jwt" and not given.get("request_object_signing_alg"))


def _is_good(name: str, value: Any, settings: Settings) -> bool:
    try:
        {**OPENID_MEMBERS, **HARDENING_MEMBERS}[name](name, value, settings)
    except ClientMetadataError:
        return False
    return True


def left_behind(row: Mapping[str, Any], *names: str) -> list[str]:
    """A note that names the members of a row which say something that a registration here can't."""
    found = [name for name in names if row.get(name)]
    return [f"without its {', '.join(found)}"] * bool(found)
