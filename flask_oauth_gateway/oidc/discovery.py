"""What the OpenID provider metadata say beside those of RFC 8414 (OpenID Connect Discovery section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..authorization.checks import CREATE, PROMPTS
from ..config.keys import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS

if TYPE_CHECKING:
    from ..config import Settings
    from .claims import UserClaims


def openid_metadata(settings: Settings, claims: UserClaims) -> dict[str, Any]:
    """The members that OpenID Connect adds. Those that are left out mean what the standard says of them."""
    signed_by = list(filter(settings.in_profile.takes, SIGNING_ALGORITHMS))
    return {
        "subject_types_supported": list(settings.subject_types),
        "id_token_signing_alg_values_supported": signed_by,
        "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "id_token_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "userinfo_signing_alg_values_supported": signed_by,
        "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
        "userinfo_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
        "claims_supported": claims.names(),
        "claims_parameter_supported": True,
        "prompt_values_supported": [*PROMPTS, *([CREATE] if settings.signup_url else [])],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "request_parameter_supported": bool(settings.jar),
        "request_uri_parameter_supported": settings.request_uris,  # left out, it would mean true
    }
