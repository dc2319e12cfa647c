"""The `claims` parameter: claims that a client asks for by name (OIDC Core section 5.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequestError
from ..permissions.claims import beyond_the_scopes
from ..tokens.sign_in import NONCE
from .request import AuthorizationError, UnmetAuthenticationRequirements

if TYPE_CHECKING:
    from .asked import Asked, Found

MAX_CLAIMS = 8192  # bytes
MAX_NONCE = 2048
NEVER_TOO_OLD = 10**9  # seconds
MAX_DEPTH = 10  # of the JSON; the standard's own needs four levels
PLACES = ("id_token", "userinfo")

Requested = Mapping[str, Mapping[str, Any]]  # by place: the name of each claim, and what the client says of it


def read_requested(text: str) -> Requested:
    """The `claims` parameter: for each place the claims that are asked for (OIDC Core section 5.5).

    Members that nobody knows are passed over. Raises `InvalidRequestError`.
    """
    if len(text.encode()) > MAX_CLAIMS:
        raise InvalidRequestError("The parameter 'claims' is longer than 8 KiB.")
    try:
        given = json.loads(text)
        json.dumps(given, ensure_ascii=False).encode()  # raises for half a surrogate pair, which is no text
    except (ValueError, RecursionError):
        raise InvalidRequestError("The parameter 'claims' is not JSON.") from None
    if not isinstance(given, dict) or _is_deeper(given, MAX_DEPTH):
        raise InvalidRequestError(
            "The parameter 'claims' is not a JSON object as OpenID Connect Core section 5.5 has it."
        )
    return {place: _members(place, given[place]) for place in PLACES if given.get(place) is not None}


def _members(place: str, members: Any) -> dict[str, Any]:
    if not isinstance(members, dict):
        raise InvalidRequestError(f"The member '{place}' of 'claims' is not a JSON object.")
    for member in members.values():
        fits = member is None or (
            isinstance(member, dict)
            and isinstance(member.get("essential", False), bool)
            and isinstance(member.get("values", []), list)
        )
        if not fits:
            raise InvalidRequestError(
                f"A claim in '{place}' of 'claims' is neither null nor an object with 'essential', 'value' and 'values'."
            )
    return members


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    within = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in within)


def is_essential(requested: Requested, name: str) -> bool:
    """Whether the ID token must have a claim."""
    return bool((requested.get("id_token", {}).get(name) or {}).get("essential"))


def values_of(requested: Requested, name: str, place: str = "id_token") -> tuple[Any, ...]:
    """The values that a claim may have, the preferred one first; none where any will do."""
    member = requested.get(place, {}).get(name) or {}
    return (*([member["value"]] if "value" in member else []), *member.get("values", []))


def check_user(requested: Requested, sub: str) -> None:
    """Check that the user who is signed in, by the client's name, is the one whom the claims ask for (OIDC Core section 5.5.1).

    Raises `AuthorizationError`.
    """
    for place in PLACES:
        wanted = values_of(requested, "sub", place)
        if wanted and sub not in wanted:
            raise AuthorizationError("login_required", "Another user is signed in than the one who was asked for.")


def check_sign_in(requested: Requested, details: Mapping[str, Any]) -> None:
    """Check that the user signed in as the ID token must say (OIDC Core section 5.5.1.1). Raises `AuthorizationError`."""
    wanted = values_of(requested, "acr")
    if wanted and is_essential(requested, "acr") and details.get("acr") not in wanted:
        raise UnmetAuthenticationRequirements("The user's sign-in is not of the kind that was asked for.")


def _that_it_may_have(asked_for: Requested, asked: Asked) -> dict[str, Any]:
    """The names by place. One that is registered within a ceiling of scopes gets no claim by its name beyond its own scopes."""
    client, settings = asked.authorization.client, asked.settings
    found = {place: list(members) for place, members in asked_for.items()}
    if client.origin is not None:
        for place, names in found.items():
            found[place] = [name for name in names if not beyond_the_scopes([name], client.scopes, settings)]
    return {place: names for place, names in found.items() if names}


def for_id_tokens(asked: Asked) -> Found:
    """The check of what an ID token is to hold, in a request for one (OIDC Core sections 3.1.2.1, 5.5)."""
    nonce, claims = asked.parameters.get("nonce"), asked.parameters.get("claims")
    if nonce is None and "id_token" in asked.authorization.response_type:
        raise InvalidRequestError("The parameter 'nonce' is missing: an ID token from this endpoint needs one.")
    if nonce is not None and len(nonce.encode()) > MAX_NONCE:
        raise InvalidRequestError("The parameter 'nonce' is longer than 2 KiB.")
    asked_for = {} if claims is None else read_requested(claims)
    kept = _that_it_may_have(asked_for, asked)
    found: dict[str, Any] = {
        "claims": asked_for,
        "openid": kept if nonce is None else {**kept, NONCE: nonce},
        "ui_locales": tuple((asked.parameters.get("ui_locales") or "").split()),
    }
    if kept:
        names = [name for place in kept.values() for name in place]
        found["beyond_scopes"] = beyond_the_scopes(names, asked.authorization.scopes, asked.settings)
    if is_essential(asked_for, "auth_time") and asked.authorization.max_age is None:
        found |= {"max_age": NEVER_TOO_OLD, "wants_sign_in": True}
    acr_values = tuple(each for each in values_of(asked_for, "acr") if isinstance(each, str))
    if acr_values and (is_essential(asked_for, "acr") or not asked.authorization.acr_values):
        found |= {"acr_values": acr_values, "wants_sign_in": True}
        if is_essential(asked_for, "acr") and asked.settings.acr_values:
            found["strong_enough"] = _essential(acr_values, asked)
    return found


def _essential(values: tuple[str, ...], asked: Asked) -> frozenset[str]:
    """Those of the essential `acr` values that will do. It is one of these that the ID token must say (OIDC Core 5.5.1.1)."""
    will_do = asked.authorization.strong_enough or frozenset(asked.settings.acr_values)
    strong_enough = will_do.intersection(values)
    if not strong_enough:
        raise UnmetAuthenticationRequirements("No sign-in here is of the kind that 'claims' ask for.")
    return strong_enough
