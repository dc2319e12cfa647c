"""What a client may say and have that nobody here registered by hand, by RFC 7591 or by a metadata document of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..config.checks import SHORT_GRANT_TYPES
from ..config.openid import OPENID_RESPONSE_TYPES, in_order, response_types_of
from ..config.registration import OPEN
from ..errors import shown
from ..features import GRANTS, RESPONSE_TYPES
from ..stores.registered_client import REGISTERED
from .members import ClientMetadataError
from .members.hardening import ALWAYS_BOUND, ONLY_WAY, is_off
from .members.openid import OF_OAUTH_TOO, OPENID_MEMBERS
from .metadata import REDIRECTING_GRANTS, usual_grant_types

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client

#: The gateway's own members, which the owner of the server decides on.
OWN_MEMBERS = frozenset(
    {
        "default_scope", "skip_consent", "access_token_format", "access_token_lifetime", "refresh_token_lifetime",
        "certificate", "attributes", "resource_server", "plan", "id_token_claims", "require_pkce",
        "pushed_redirect_uris",
    }
)  # fmt: skip
#: What no hook gives such a client either: it never gets past the consent page, asks about others' tokens, nor sends users
#: where nobody could look before.
NEVER = frozenset({"skip_consent", "resource_server", "pushed_redirect_uris"})
#: What such a client may set itself, and only the owner of the server undoes, who may have set it.
PROTECTIONS = ALWAYS_BOUND | ONLY_WAY
LISTS = frozenset(
    {
        "redirect_uris", "grant_types", "response_types", "contacts", "post_logout_redirect_uris", "default_acr_values",
        "request_uris", "authorization_details_types",
    }
)  # fmt: skip
MAX_REDIRECT_URIS = MAX_REQUEST_URIS = 20
#: Grants that exist, whether this server knows them or not: a program that asks for one besides others isn't refused.
EXISTING_GRANTS = frozenset({*GRANTS, *SHORT_GRANT_TYPES.values(), "urn:openid:params:grant-type:ciba"})
EXISTING_RESPONSE_TYPES: Mapping[str, tuple[str, ...]] = {
    **{name: (grant,) for name, grant in RESPONSE_TYPES.items()}, **OPENID_RESPONSE_TYPES, "none": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that a client may have."""

    scopes: tuple[str, ...]
    grant_types: tuple[str, ...]


def ceiling_of(settings: Settings, grant_types: Collection[str], scopes: Collection[str] | None = None) -> Ceiling:
    """What strangers may have. `grant_types`: those of this server; `scopes`: another ceiling, as of an initial access token."""
    allowed = settings.registration_scopes if scopes is None else scopes
    return Ceiling(
        scopes=tuple(name for name in settings.app_scopes if allowed is None or name in allowed),
        grant_types=tuple(name for name in settings.registration_grant_types if name in grant_types),
    )


def ceiling_of_change(settings: Settings, grant_types: Collection[str], client: Client) -> Ceiling:
    """What a client may have after a change: what it has; and what it could have for the asking, as everybody can."""
    usual = ceiling_of(settings, grant_types)
    if settings.registration == OPEN:
        return Ceiling(
            scopes=tuple(name for name in settings.app_scopes if name in client.scopes or name in usual.scopes),
            grant_types=tuple(dict.fromkeys((*usual.grant_types, *client.grant_types))),
        )
    return Ceiling(
        scopes=tuple(name for name in settings.app_scopes if name in client.scopes), grant_types=usual.grant_types
    )


def of_a_stranger(metadata: Mapping[str, Any], settings: Settings, ceiling: Ceiling) -> dict[str, Any]:
    """What counts of a registration that a stranger wrote: without what is beyond the ceiling, and with all defaults.

    Members that have no value or that nobody knows, and the gateway's own, are passed over (RFC 7591 section 2). The values
    still have to be checked as every registration is. Raises `ClientMetadataError`.
    """
    known = {
        name: _typed(name, value)
        for name, value in metadata.items()
        if value is not None and value != "" and name in REGISTERED and name not in OWN_MEMBERS
    }
    if not settings.oidc:  # what these say is about ID tokens and the like
        known = {name: value for name, value in known.items() if name not in OPENID_MEMBERS or name in OF_OAUTH_TOO}
    known = {name: value for name, value in known.items() if not is_off(name, settings)}
    if known.get("authorization_details_types"):
        known["authorization_details_types"] = _detail_types(known["authorization_details_types"], settings)
    return within(known, settings, ceiling)


def kept_of(client: Client) -> dict[str, Any]:
    """What stays of a client when it describes itself anew: the gateway's own members, and its protections."""
    own = {name: getattr(client, name) for name in OWN_MEMBERS}
    return own | {name: True for name in PROTECTIONS if getattr(client, name)}


def within(metadata: Mapping[str, Any], settings: Settings, ceiling: Ceiling) -> dict[str, Any]:
    """A registration without what is beyond the ceiling, and with all defaults. Raises `ClientMetadataError`."""
    values = {name: value for name, value in metadata.items() if name not in NEVER}
    if len(values.get("redirect_uris", ())) > MAX_REDIRECT_URIS:
        raise ClientMetadataError(f"redirect_uris has more than {MAX_REDIRECT_URIS}.", "invalid_redirect_uri")
    if len(values.get("request_uris", ())) > MAX_REQUEST_URIS:
        raise ClientMetadataError(f"request_uris has more than {MAX_REQUEST_URIS}.")
    for uri in values.get("redirect_uris", ()):
        if "*" in uri:
            raise ClientMetadataError(
                f"The redirect URI {shown(uri)} holds a *, which stands for nothing else here: register each URI.",
                "invalid_redirect_uri",
            )
    wanted = list(values.get("grant_types", ())) or usual_grant_types(settings)
    values["grant_types"] = _grant_types(wanted, ceiling)
    values["response_types"] = _response_types(values, wanted, settings)
    values["scope"] = _scope(values.get("scope", ""), ceiling)
    values.setdefault("token_endpoint_auth_method", _usual_method(settings))
    return values


def _typed(name: str, value: Any) -> Any:
    """A value of the JSON type that RFC 7591 gives its member. The reader of the member checks the rest."""
    if name in LISTS and not isinstance(value, list):
        raise ClientMetadataError(f"{name} is a list of texts.")
    if name in ("scope", "client_name", "token_endpoint_auth_method") and not isinstance(value, str):
        raise ClientMetadataError(f"{name} is a text.")
    if name in LISTS and not all(isinstance(item, str) for item in value):
        raise ClientMetadataError(f"{name} is a list of texts.")
    return value


def _grant_types(wanted: list[str], ceiling: Ceiling) -> list[str]:
    """Those grants that such a client may have. One that exists nowhere is a mistake; one that is off here is left out."""
    for name in wanted:
        if name not in EXISTING_GRANTS and name not in ceiling.grant_types:
            raise ClientMetadataError(f"There is no grant type {shown(name)}.")
    kept = [name for name in dict.fromkeys(wanted) if name in ceiling.grant_types]
    if not any(name != "refresh_token" for name in kept):
        offered = ", ".join(ceiling.grant_types) or "none at all"
        raise ClientMetadataError(f"None of the grant_types is open to registered clients here; those are {offered}.")
    return kept


def _response_types(values: Mapping[str, Any], wanted: list[str], settings: Settings) -> list[str]:
    """The response types that fit the grants (RFC 7591 section 2.1); without any, `code` where its grant is there."""
    given = [in_order(each) for each in values.get("response_types", ())]
    for name in given:
        if name not in EXISTING_RESPONSE_TYPES:
            raise ClientMetadataError(f"There is no response type {shown(name)}.")
        lacking = [each for each in EXISTING_RESPONSE_TYPES[name] if each not in wanted]
        if lacking:
            raise ClientMetadataError(f"The response type {name!r} needs the grant {lacking[0]}.")
    if given:
        for grant in REDIRECTING_GRANTS.intersection(wanted):
            if not any(grant in EXISTING_RESPONSE_TYPES[name] for name in given):
                raise ClientMetadataError(f"The grant {grant} needs a response type; the response_types name none.")
    grants = values["grant_types"]
    here = response_types_of(settings)
    kept = [name for name in dict.fromkeys(given) if name in here and all(each in grants for each in here[name])]
    usual = [name for name, grant in RESPONSE_TYPES.items() if grant in grants]
    return kept or usual


def _scope(given: str, ceiling: Ceiling) -> str:
    """The part of the scopes that is within the ceiling; all of the ceiling where none is named."""
    named = [name for name in given.split() if name != "offline_access" or name in ceiling.scopes]
    if not named:
        return " ".join(ceiling.scopes)
    kept = [name for name in dict.fromkeys(named) if name in ceiling.scopes]
    if not kept:
        offered = ", ".join(ceiling.scopes) or "none at all"
        raise ClientMetadataError(f"None of the scopes is open to registered clients here; those are {offered}.")
    return " ".join(kept)


def _detail_types(given: list[str], settings: Settings) -> list[str]:
    """Those types of authorization details that there are here."""
    kept = [name for name in given if name in settings.authorization_details]
    if not kept:
        offered = ", ".join(settings.authorization_details)
        raise ClientMetadataError(f"None of the authorization_details_types is there; here are {offered}.")
    return kept


def _usual_method(settings: Settings) -> str:
    """How a client authenticates that doesn't say it (RFC 7591 section 2), or the first method that there is."""
    methods = settings.client_auth_methods
    return "client_secret_basic" if "client_secret_basic" in methods else methods[0]
