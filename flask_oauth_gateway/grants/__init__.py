"""Every grant that the token endpoint can take, by its `grant_type`: a file each, loaded where it is on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..config.checks import ConfigurationError

GRANTS = {
    "authorization_code": "flask_oauth_gateway.grants.authorization_code:AuthorizationCodeGrant",
    "client_credentials": "flask_oauth_gateway.grants.client_credentials:ClientCredentialsGrant",
    "refresh_token": "flask_oauth_gateway.grants.refresh_token:RefreshTokenGrant",
    "password": "flask_oauth_gateway.grants.password:PasswordGrant",
    "implicit": "flask_oauth_gateway.grants.implicit:ImplicitGrant",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "flask_oauth_gateway.grants.jwt_bearer:JwtBearerGrant",
    "urn:ietf:params:oauth:grant-type:saml2-bearer": "flask_oauth_gateway.grants.saml2_bearer:Saml2BearerGrant",
    "urn:ietf:params:oauth:grant-type:device_code": "flask_oauth_gateway.grants.device_code:DeviceCodeGrant",
}


def load_grants(names: tuple[str, ...]) -> dict[str, Any]:
    """The grant classes that `OAUTH_GRANT_TYPES` names, by grant type. Raises `ConfigurationError` for one that isn't there.

    `"module:Class"` names a grant of the app's own: a subclass of Authlib's `BaseGrant` and `TokenEndpointMixin` with a
    `GRANT_TYPE`.
    """
    loaded = {}
    for name in names:
        path = GRANTS.get(name, name)
        module, colon, attribute = path.partition(":")
        try:
            grant = getattr(import_module(module), attribute) if colon else None
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                "OAUTH_GRANT_TYPES", name, f"'module:Class' of what can be imported ({error})"
            ) from error
        if not getattr(grant, "GRANT_TYPE", None):
            raise ConfigurationError("OAUTH_GRANT_TYPES", name, f"one of {', '.join(GRANTS)}, or 'module:Class'")
        loaded[grant.GRANT_TYPE] = grant  # type: ignore[union-attr]
    return loaded
