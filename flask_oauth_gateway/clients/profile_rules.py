"""What the profile (`OAUTH_PROFILE`) asks of a client's registration: how it authenticates, and by which algorithms it signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import shown
from .members import ClientMetadataError

if TYPE_CHECKING:
    from ..config import Settings

SIGNED_BY = (
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "request_object_signing_alg",
    "authorization_signed_response_alg",
)  # fmt: skip


def check_against_profile(values: Mapping[str, Any], settings: Settings, algorithms: tuple[str, ...]) -> None:
    """Check a registration whose members are right each for itself. Raises `ClientMetadataError`."""
    profile = settings.in_profile
    method = values.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in settings.client_auth_methods:
        offered = ", ".join(settings.client_auth_methods)
        raise ClientMetadataError(f"token_endpoint_auth_method is {shown(method)}; here it may be {offered}.")
    names = " or ".join(algorithms)
    for name in SIGNED_BY:
        if name in values and not profile.takes(values[name]):
            raise ClientMetadataError(
                f"{name} is {shown(values[name])}; where OAUTH_PROFILE is {settings.profile!r}, {names}."
            )
    for name in ("jwks", "certificate"):
        if values.get(name) and not _sign_by(name, values[name], algorithms):
            raise ClientMetadataError(f"{name} has a key for another algorithm than {names} (RSA, P-256 or Ed25519).")


def _sign_by(name: str, value: Any, algorithms: tuple[str, ...]) -> bool:
    """Whether every key that signs can do so by one of the algorithms."""
    from ..crypto.jwk import NoKey, load_jwks, load_pem, signs_by

    try:
        keys = load_jwks(value) if name == "jwks" else (load_pem(value),)
    except NoKey:
        return True
    return all(signs_by(key, algorithms) for key in keys)
