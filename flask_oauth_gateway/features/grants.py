"""The rows of the grants."""

from __future__ import annotations

from collections.abc import Mapping

from .feature import FORM, POST, Endpoint, Feature

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML2_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ID_JAG = "urn:ietf:params:oauth:grant-profile:id-jag"  # a profile of JWT_BEARER

GRANT_TYPES: Mapping[str, Feature] = {
    "authorization_code": Feature(
        source="RFC 6749 section 4.1, RFC 7636",
        page="flows/authorization_code.md",
        grant_type="authorization_code",
        grant="grants.authorization_code:AuthorizationCodeGrant",
        response_type="code",
        openapi=("authorizationCode", ("authorize", "token")),
        refreshable=True,
    ),
    "client_credentials": Feature(
        source="RFC 6749 section 4.4",
        page="flows/client_credentials.md",
        grant_type="client_credentials",
        grant="grants.client_credentials:ClientCredentialsGrant",
        openapi=("clientCredentials", ("token",)),
    ),
    "refresh_token": Feature(
        source="RFC 6749 section 6",
        page="flows/refresh_token.md",
        grant_type="refresh_token",
        grant="grants.refresh_token:RefreshTokenGrant",
    ),
    "password": Feature(
        source="RFC 6749 section 4.3",
        page="flows/password.md",
        grant_type="password",
        grant="grants.password:PasswordGrant",
        old=True,
        openapi=("password", ("token",)),
        refreshable=True,
    ),
    "implicit": Feature(
        source="RFC 6749 section 4.2",
        page="flows/implicit.md",
        grant_type="implicit",
        grant="grants.implicit:ImplicitGrant",
        old=True,
        response_type="token",
        openapi=("implicit", ("authorize",)),
    ),
    "jwt_bearer": Feature(
        source="RFC 7523 section 2.1",
        page="flows/jwt_bearer.md",
        grant_type=JWT_BEARER,
        grant="grants.jwt_bearer:JwtBearerGrant",
    ),
    "saml2_bearer": Feature(
        source="RFC 7522 section 2.1",
        page="flows/saml2_bearer.md",
        grant_type=SAML2_BEARER,
        grant="grants.saml2_bearer:Saml2BearerGrant",
    ),
    "device_code": Feature(
        source="RFC 8628",
        page="flows/device_code.md",
        grant_type=DEVICE_CODE,
        grant="grants.device_code:DeviceCodeGrant",
        endpoints={
            "device_authorization": Endpoint(
                "/device_authorization",
                POST,
                "endpoints.device_authorization:device_authorization",
                "device_authorization_endpoint",
                cors=True,
            ),
            "device": Endpoint("/device", FORM, "pages.device:device"),
        },
    ),
}
