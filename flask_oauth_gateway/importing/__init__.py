"""Imports clients from other registries: one file a source, each with `read`, which turns an export into entries.

`rows.py` has what the sources share. `bring` puts the entries into the client registry, one by one. A row that can't be
read and an entry that can't be imported are reported, and don't stop the others.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError

from ..clients.members import ClientMetadataError, check_client_id
from ..clients.metadata import REDIRECTING_GRANTS, grants_that_are_off
from ..clients.secrets import KnownSecret
from ..config import ADMIN_SCOPE
from ..config.checks import full_grant_type
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
    "keycloak": "keycloak:read",
    "hydra": "hydra:read",
    "auth0": "auth0:read",
    "doorkeeper": "doorkeeper:read",
}


class Unreadable(ValueError):
    """The file, or one row of it, is not what this source exports. The message says why."""


#: What a row may cause in which a value stands where another kind of value belongs.
NOT_AS_EXPECTED = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError, DataError)


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
    guesses. `is_own`: the registry is another of the gateway's, with the same rules; then `came_by` has its `origin`, and
    `fresh_until`.
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
    is_own: bool = False
    came_by: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for an entry: `what` is "new", "there", "different", "skipped" or "refused"; `notes` explain it."""

    client_id: str
    where: str
    what: str
    notes: list[str]


def bring(server: AuthorizationServer, entries: Iterable[Entry | Outcome], *, dry_run: bool) -> Iterator[Outcome]:
    """Register each entry whose client doesn't exist yet. Existing clients are not changed, so a second run does nothing.

    An `Outcome` among the entries is a row that could not be read, or isn't a client's, and is passed on.
    """
    seen: set[str] = set()
    for given in entries:
        if isinstance(given, Outcome):
            yield given
            continue
        entry = given
        what, notes = "refused", list(entry.notes)
        try:
            if not entry.is_own:
                entry, more = _exact(entry, server.settings.scopes)
                notes += more
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
                    **entry.came_by,
                )
                what = "new"
                grants = map(full_grant_type, entry.metadata.get("grant_types") or ())
                notes += grants_that_are_off(grants, server.settings)
            else:
                differing = _differing(server, entry, known)
                what = "different" if differing else "there"
                notes += [f"{name} is another here" for name in differing]
        except IntegrityError:
            what = "there"  # somebody else has registered it meanwhile
        except NOT_AS_EXPECTED as error:
            notes.insert(0, why(error))
        yield Outcome(entry.client_id, entry.where, what, notes)


def _exact(entry: Entry, scopes: Collection[str]) -> tuple[Entry, list[str]]:
    """The entry without what it can't have, and notes about it: URIs and scopes are compared to the letter here.

    `scopes` are this server's. Where no redirect URI is left, neither are the grants that need one.
    """
    metadata, notes = dict(entry.metadata), []
    kept, patterns = _apart(metadata.get("redirect_uris"), "*{", ())
    if patterns:
        metadata["redirect_uris"] = kept
        notes.append(f"without {patterns}: redirect URIs have no wildcards here")
        grants = metadata.get("grant_types") or []
        lost = [] if kept else [each for each in grants if each in REDIRECTING_GRANTS]
        metadata["grant_types"] = [each for each in grants if each not in lost]
        if lost:
            notes.append(f"so without {' and '.join(lost)} too: client update takes its --redirect-uri and --grant")
    kept, patterns = _apart(metadata.get("post_logout_redirect_uris"), "*{", ())
    if patterns:
        metadata["post_logout_redirect_uris"] = kept
        notes.append(f"without {patterns}: addresses after a sign-out have no wildcards here")
    kept, patterns = _apart(metadata.get("scope"), "*", scopes)
    if patterns:
        metadata["scope"] = kept
        metadata["default_scope"] = _apart(metadata.get("default_scope"), "*", scopes)[0]
        notes.append(f"without {patterns}: scopes have no wildcards here")
    if ADMIN_SCOPE in kept:  # elsewhere a client may have chosen its scopes' names itself
        for name in ("scope", "default_scope"):
            metadata[name] = [each for each in _apart(metadata.get(name), "", ())[0] if each != ADMIN_SCOPE]
        notes.append(f"without {ADMIN_SCOPE}, which gives access to every client here: client update --scope gives it")
    return replace(entry, metadata=metadata), notes


def _apart(given: Any, marks: str, known: Collection[str]) -> tuple[list[Any], str]:
    """What of these texts is exact, or `known`; and the others, with a mark in them, as a note shows them."""
    every = given.split() if isinstance(given, str) else list(given or ())
    patterns = [each for each in every if isinstance(each, str) and each not in known and set(marks) & set(each)]
    return [each for each in every if each not in patterns], ", ".join(shown(each, 100) for each in patterns)


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


def why(error: Exception) -> str:
    """Why a row is refused. A message of Python's own or the database's may repeat a value, which may be a secret."""
    if isinstance(error, (Unreadable, ClientMetadataError)):
        return str(error)
    return f"it holds what this source doesn't export ({type(error).__name__})"
