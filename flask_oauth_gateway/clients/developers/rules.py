"""What the app of a user may say of itself, have and change: less than what an administrator registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import shown
from ...stores.registered_client import REGISTERED
from ..kinds import KINDS, fields_of, has_secret, kinds_of, registration_of
from ..members import ClientMetadataError, read_list, read_text
from ..strangers import MAX_REDIRECT_URIS

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client

NAME_LENGTH = 100
MAX_CONTACTS = 10
LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
URIS = ("redirect_uris", "post_logout_redirect_uris")
#: What an owner writes, beside the fields of the app's kind.
ALWAYS = (*LINKS, "contacts")
#: What an administrator has approved stays as it is; of these an app may only give up what it has.
SHRINKING = (*URIS, "scope")
OTHER = "other"  # an administrator has made of the app what no kind is


def scopes_for(settings: Settings, client: Client | None = None) -> list[str]:
    """The scopes that a user's app may have: those of `OAUTH_DEVELOPER_SCOPES`, and what an administrator gave it."""
    allowed = settings.app_scopes if settings.developer_scopes is None else settings.developer_scopes
    given = frozenset() if client is None else client.scopes
    return [name for name in settings.scopes if name in allowed or name in given]


def kind_of(client: Client) -> str:
    """The kind of an app, by what it is registered with; `OTHER` where an administrator has made something else of it."""
    for name, kind in KINDS.items():
        grants = [grant for grant in kind.grant_types if grant in client.grant_types]
        fits = grants == client.grant_types and kind.grant_types[0] in grants
        if fits and kind.keeps_secret != client.is_public and client.application_type == kind.application_type:
            return name
    return OTHER


def fields_for(kind: str, settings: Settings) -> tuple[str, ...]:
    """The members that an owner may write of an app of this kind."""
    if kind == OTHER:
        return ("client_name", "redirect_uris", "scope", *ALWAYS)
    return (*fields_of(kind, settings), *ALWAYS)


def new_registration(kind: str, given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The registration of a new app, which still has to be checked as every one is. Raises `ClientMetadataError`."""
    if kind not in kinds_of(settings):
        raise ClientMetadataError(f"kind is one of {', '.join(kinds_of(settings))}.")
    proposed = registration_of(kind, settings)
    if "scope" in proposed:
        allowed = scopes_for(settings)
        proposed["scope"] = " ".join(name for name in proposed["scope"].split() if name in allowed)
    return {**proposed, **_written(kind, given, settings), "client_name": _name(given.get("client_name"), settings)}


def changed_registration(client: Client, given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """An app's registration after its owner's change; what the owner doesn't write stays. Raises `ClientMetadataError`."""
    written = _written(kind_of(client), given, settings, client)
    if "client_name" in given:
        written["client_name"] = _name(given["client_name"], settings)
    if is_settled(client, settings):
        _check_settled(client, written)
    return {name: getattr(client, name) for name in REGISTERED} | written


def is_settled(client: Client, settings: Settings) -> bool:
    """Whether what the app is has an administrator's approval, without which it can't become more."""
    return settings.developer_approval and not client.is_on_trial


def may_have_secrets(kind: str, settings: Settings) -> bool:
    """Whether an app of this kind proves who it is by a secret."""
    return kind in KINDS and has_secret(kind, settings)


def _name(value: Any, settings: Settings) -> str:
    name = "" if value is None else read_text("client_name", value, settings).strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise ClientMetadataError(f"An app needs a name (client_name) of 1 to {NAME_LENGTH} characters.")
    return name


def _written(kind: str, given: Mapping[str, Any], settings: Settings, client: Client | None = None) -> dict[str, Any]:
    """What an owner wrote, of the members that are theirs to write. An empty one has its default."""
    fields = fields_for(kind, settings)
    for name in given:
        if name not in fields:
            raise ClientMetadataError(f"{shown(name)} is not something that the owner of such an app sets.")
    found = {name: _READERS.get(name, _as_it_is)(name, value) for name, value in given.items() if name != "client_name"}
    if "scope" in found:
        allowed = scopes_for(settings, client)
        for name in found["scope"].split():
            if name not in allowed:
                raise ClientMetadataError(f"A user's app may not ask for {shown(name)}: {_offered(allowed)}.")
    return found


def _offered(scopes: list[str]) -> str:
    return f"it may have {', '.join(scopes)}" if scopes else "none is open to users' apps (OAUTH_DEVELOPER_SCOPES)"


def _as_it_is(name: str, value: Any) -> Any:
    return value or None


def _scope(name: str, value: Any) -> str:
    names = value.split() if isinstance(value, str) else [] if value is None else read_list(name, value)
    return " ".join(dict.fromkeys(names))


def _uris(name: str, value: Any) -> list[str]:
    found = [] if value is None else read_list(name, value)
    if len(found) > MAX_REDIRECT_URIS:
        raise ClientMetadataError(f"{name} has more than {MAX_REDIRECT_URIS}.")
    for uri in found:
        check_wildcard(uri)
    return found


def check_wildcard(uri: str) -> None:
    """Raises `ClientMetadataError` for a redirect URI with a `*`, by which people mean any address."""
    if "*" in uri:
        raise ClientMetadataError(
            f"The redirect URI {shown(uri)} holds a *, which stands for nothing else here: register each URI.",
            "invalid_redirect_uri",
        )


def _contacts(name: str, value: Any) -> list[str]:
    found = [] if value is None else read_list(name, value)
    if len(found) > MAX_CONTACTS:
        raise ClientMetadataError(f"{name} has more than {MAX_CONTACTS}.")
    return found


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "scope": _scope, "redirect_uris": _uris, "post_logout_redirect_uris": _uris, "contacts": _contacts,
}  # fmt: skip


def _check_settled(client: Client, written: Mapping[str, Any]) -> None:
    """Raises `ClientMetadataError` where an approved app would become another, or more than it was."""
    for name, value in written.items():
        before = getattr(client, name)
        if name == "contacts" or (value or None) == (before or None):
            continue
        if name not in SHRINKING:
            raise ClientMetadataError(
                f"An administrator has approved {name} as it is: ask them, or register another app."
            )
        more = set(_items(value)) - set(_items(before))
        if more:
            raise ClientMetadataError(
                f"{name} can't get {shown(min(more))} any more, as an administrator has approved this app without it: ask"
                " them, or register another app."
            )


def _items(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value or ())
