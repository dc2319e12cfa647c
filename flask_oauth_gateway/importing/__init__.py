"""Imports clients from other registries: one file a source, each with `read`, which turns an export into entries.

`bring` puts the entries into the client registry, one by one. A row that can't be read and an entry that can't be
imported are reported, and don't stop the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError

from ..clients.metadata import ClientMetadataError
from ..clients.registry import check_client_id
from ..clients.secrets import KnownSecret
from ..crypto.hashing import verify_secret
from ..errors import shown
from ..stores.registered_client import REGISTERED

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client

#: The sources that `flask oauth client import --from` takes.
SOURCES = {
    "gateway": "gateway:read",
    "apigee": "apigee:read",
    "axway": "axway:read",
    "django-oauth-toolkit": "django_oauth_toolkit:read",
    "authlib": "authlib:read",
}


class Unreadable(ValueError):
    """The file, or one row of it, is not what this source exports. The message says why."""


#: What a row may cause in which a value stands where another kind of value belongs.
_NOT_AS_EXPECTED = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError, DataError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEntry:
    """An application in another registry. It is imported with its clients."""

    application_id: str
    name: str
    status: str
    owner: str | None = None
    plan: str | None = None
    attributes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A client in another registry. `where` names its place there; `metadata` has RFC 7591's names and ours.

    `says_grants`, `says_scopes`: whether the other registry names the client's grants and scopes; otherwise they are
    guesses.
    """

    where: str
    client_id: str
    metadata: dict[str, Any]
    secrets: tuple[KnownSecret, ...] = ()
    enabled: bool = True
    owner: str | None = None
    application: ApplicationEntry | None = None
    notes: list[str] = field(default_factory=list)
    says_grants: bool = True
    says_scopes: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for an entry: `what` is "new", "there", "different" or "refused"; `notes` explain it."""

    client_id: str
    where: str
    what: str
    notes: list[str]


def bring(server: AuthorizationServer, entries: Iterable[Entry | Outcome], *, dry_run: bool) -> Iterator[Outcome]:
    """Register each entry whose client doesn't exist yet. Existing clients are not changed, so a second run does nothing.

    An `Outcome` among the entries is a row that could not be read, and is passed on.
    """
    seen: set[str] = set()
    for entry in entries:
        if isinstance(entry, Outcome):
            yield entry
            continue
        what, notes = "refused", list(entry.notes)
        try:
            check_client_id(entry.client_id)
            if entry.client_id in seen:
                raise ClientMetadataError(f"there is another entry with the client_id {shown(entry.client_id)}.")
            seen.add(entry.client_id)
            known = server.clients.load(entry.client_id)
            if known is None:
                if entry.application is not None:
                    notes += _bring_application(server, entry.application, dry_run=dry_run)
                server.client_registry.adopt(
                    entry.client_id,
                    entry.metadata,
                    secrets=entry.secrets,
                    enabled=entry.enabled,
                    owner=entry.owner,
                    application=None if entry.application is None else entry.application.application_id,
                    dry_run=dry_run,
                )
                what = "new"
            else:
                differing = _differing(server, entry, known)
                what = "different" if differing else "there"
                notes += [f"{name} is another here" for name in differing]
        except IntegrityError:
            what = "there"  # somebody else has registered it meanwhile
        except _NOT_AS_EXPECTED as error:
            notes.insert(0, _why(error))
        yield Outcome(entry.client_id, entry.where, what, notes)


def _bring_application(server: AuthorizationServer, entry: ApplicationEntry, *, dry_run: bool) -> list[str]:
    """Make an application that doesn't exist yet; returns the notes about it. Raises `ClientMetadataError`."""
    if server.applications.get(entry.application_id) is not None:
        return []
    given = asdict(entry)
    if dry_run:
        checked = {name: value for name, value in given.items() if name not in ("application_id", "status")}
        server.application_registry.check(entry.application_id, checked, entry.status)
    else:
        server.application_registry.create(**given)
    return [f"with its application {shown(entry.name)} ({entry.status})"]


def _differing(server: AuthorizationServer, entry: Entry, known: Client) -> list[str]:
    """The names of the values that differ between an entry and the client with its `client_id`."""
    values = server.client_registry.check(entry.metadata)
    wanted: dict[str, Any] = {name: values[name] for name in REGISTERED if values.get(name)}
    differing = [name for name, value in wanted.items() if value != getattr(known, name)]
    if entry.enabled != known.switched_on:
        differing.append("enabled")
    if entry.application is not None and entry.application.application_id != known.application:
        differing.append("application")
    now = time.time()
    live = [secret.digest for secret in known.secrets if secret.is_live(now)]
    if any(not _is_among(secret, live) for secret in entry.secrets):
        differing.append("the secret")
    return differing


def _is_among(secret: KnownSecret, digests: list[str]) -> bool:
    if secret.digest is not None:
        return secret.digest in digests
    return any(verify_secret(secret.plain or "", digest) for digest in digests)


# The functions that the readers share.


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
        except _NOT_AS_EXPECTED as error:
            yield Outcome("", f"{kind} {number}", "refused", [_why(error)])


def _why(error: Exception) -> str:
    """Why a row is refused. A message of Python's own or the database's may repeat a value, which may be a secret."""
    if isinstance(error, (Unreadable, ClientMetadataError)):
        return str(error)
    return f"it holds what this source doesn't export ({type(error).__name__})"


def parse_json(raw: bytes) -> Any:
    """Parse a file's JSON. Raises `Unreadable`."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"The file is not JSON: {error}.") from None


def objects(found: Any, *names: str) -> list[Any]:
    """The rows of a list, of a list in the member with one of `names`, or else the one object itself."""
    if isinstance(found, Mapping):
        found = next((found[name] for name in names if isinstance(found.get(name), list)), [found])
    if not isinstance(found, list):
        raise Unreadable("The file is neither a list nor an object.")
    return found


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
