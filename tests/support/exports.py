"""What other servers export of their clients, in the shape that each has: Keycloak 26, Hydra 2, Auth0 and Doorkeeper 5."""

from typing import Any

SECRET = "TwG6Yz0xrVbGkq3nJ8uQm1dLhE5sXa2P"
#: The members that Keycloak writes for each client beside those that differ.
KEYCLOAK_COMMON: dict[str, Any] = {
    "description": "", "rootUrl": "", "adminUrl": "", "baseUrl": "", "surrogateAuthRequired": False, "enabled": True,
    "alwaysDisplayInConsole": False, "clientAuthenticatorType": "client-secret", "redirectUris": [], "webOrigins": ["+"],
    "notBefore": 0, "bearerOnly": False, "consentRequired": False, "standardFlowEnabled": False,
    "implicitFlowEnabled": False, "directAccessGrantsEnabled": False, "serviceAccountsEnabled": False,
    "publicClient": False, "frontchannelLogout": True, "protocol": "openid-connect",
    "attributes": {
        "realm_client": "false", "oidc.ciba.grant.enabled": "false", "backchannel.logout.session.required": "true",
        "oauth2.device.authorization.grant.enabled": "false", "backchannel.logout.revoke.offline.tokens": "false",
    },
    "authenticationFlowBindingOverrides": {}, "fullScopeAllowed": True, "nodeReRegistrationTimeout": -1,
    "defaultClientScopes": ["web-origins", "acr", "profile", "roles", "basic", "email"],
    "optionalClientScopes": ["address", "phone", "offline_access", "organization", "microprofile-jwt"],
}  # fmt: skip


def keycloak_client(client_id: str, **members: Any) -> dict[str, Any]:
    """A client as Keycloak exports it; `attributes` are added to those that every client has."""
    attributes = {**KEYCLOAK_COMMON["attributes"], **members.pop("attributes", {})}
    return {"id": f"{client_id}-uuid", "clientId": client_id, **KEYCLOAK_COMMON, "attributes": attributes, **members}


def keycloak_realm(*clients: dict[str, Any]) -> dict[str, Any]:
    """A realm's export (`kc.sh export --realm shop`), with the clients of its own that every realm has."""
    own = [
        keycloak_client("account", name="${client_account}", publicClient=True, rootUrl="${authBaseUrl}",
                        baseUrl="/realms/shop/account/", redirectUris=["/realms/shop/account/*"]),
        keycloak_client("admin-cli", name="${client_admin-cli}", publicClient=True, directAccessGrantsEnabled=True),
        keycloak_client("broker", name="${client_broker}", bearerOnly=True),
        keycloak_client("realm-management", name="${client_realm-management}", bearerOnly=True),
        keycloak_client("security-admin-console", name="${client_security-admin-console}", publicClient=True,
                        rootUrl="${authAdminUrl}", redirectUris=["/admin/shop/console/*"]),
    ]  # fmt: skip
    scopes = {"READ": "true", "WRITE": "true", "audience-of-the-api": "false", "profile": "true"}
    return {
        "id": "0bb2f9a1-shop", "realm": "shop", "notBefore": 0, "accessTokenLifespan": 300, "enabled": True,
        "sslRequired": "external", "roles": {"realm": [{"name": "offline_access"}], "client": {}}, "users": [],
        "scopeMappings": [{"clientScope": "offline_access", "roles": ["offline_access"]}],
        "clients": [*own, *clients],
        "clientScopes": [
            {"name": name, "protocol": "openid-connect", "attributes": {"include.in.token.scope": included}}
            for name, included in scopes.items()
        ],
        "keycloakVersion": "26.3.2",
    }  # fmt: skip


KEYCLOAK = keycloak_realm(
    keycloak_client(
        "shop-web", name="Shop", secret=SECRET, standardFlowEnabled=True, serviceAccountsEnabled=True,
        rootUrl="https://shop.example", baseUrl="https://shop.example/start",
        redirectUris=["https://shop.example/callback", "/silent", "https://*.shop.example/*", "https://old.shop.example/*"],
        defaultClientScopes=["web-origins", "roles", "READ", "audience-of-the-api"],
        optionalClientScopes=["offline_access", "WRITE"],
        attributes={"access.token.lifespan": "900", "client.secret.creation.time": "1717000000", "logoUri": ""},
    ),
    keycloak_client("shop-spa", publicClient=True, standardFlowEnabled=True, redirectUris=["http://localhost:3000/*"],
                    attributes={"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+"}),
    keycloak_client("shop-api", name="The API", secret=SECRET, bearerOnly=True, enabled=False),
    keycloak_client("shop-sso", protocol="saml", attributes={"saml.assertion.signature": "true"}),
)  # fmt: skip

#: A client as `hydra list clients --format json` and `GET /admin/clients` write it.
HYDRA_LIST: dict[str, Any] = {
    "items": [
        {
            "client_id": "6df7a2c4-9f6f-4f1c-9d3f-5b7e0a1c2d3e", "client_name": "Board", "client_secret_expires_at": 0,
            "client_uri": "", "created_at": "2024-05-13T09:21:01Z", "updated_at": "2024-05-13T09:21:01.1Z",
            "grant_types": ["authorization_code", "refresh_token"], "jwks": {}, "logo_uri": "", "metadata": {"team": "b"},
            "owner": "alice", "policy_uri": "", "redirect_uris": ["https://board.example/cb"],
            "userinfo_signed_response_alg": "none", "response_types": ["code"], "skip_consent": True,
            "scope": "openid offline offline_access READ WRITE",
            "skip_logout_consent": None, "subject_type": "public", "token_endpoint_auth_method": "client_secret_post",
            "tos_uri": "", "request_object_signing_alg": "RS256", "audience": ["https://api.example"],
            "allowed_cors_origins": [], "access_token_strategy": "jwt", "contacts": ["b@example.com"],
            "authorization_code_grant_access_token_lifespan": "1h0m0s",
            "refresh_token_grant_access_token_lifespan": None, "registration_access_token": "", "registration_client_uri": "",
        }
    ],
    "next_page_token": "", "is_last_page": True,
}  # fmt: skip


def hydra_row(client_id: str, client_secret: str, **columns: Any) -> dict[str, Any]:
    """A row of the table `hydra_client`, whose lists and objects are texts."""
    return {
        "id": client_id, "client_name": "", "client_secret": client_secret, "scope": "READ", "owner": "", "policy_uri": "",
        "redirect_uris": "[]", "grant_types": '["client_credentials"]', "response_types": '["code"]', "tos_uri": "",
        "client_uri": "", "logo_uri": "", "contacts": "[]", "client_secret_expires_at": 0, "sector_identifier_uri": "",
        "jwks": "{}", "jwks_uri": "", "request_uris": "[]", "token_endpoint_auth_method": "client_secret_basic",
        "request_object_signing_alg": "", "userinfo_signed_response_alg": "none", "subject_type": "public",
        "allowed_cors_origins": "[]", "audience": "[]", "created_at": "2024-05-13 09:21:01", "frontchannel_logout_uri": "",
        "post_logout_redirect_uris": "[]", "backchannel_logout_uri": "", "metadata": "{}", "skip_consent": False,
        "token_endpoint_auth_signing_alg": "", "registration_access_token_signature": "", "nid": "24704dcb", "pk": "1",
        "rotated_secrets": "[]", "access_token_strategy": "", **columns,
    }  # fmt: skip


AUTH0_GRANTS = "http://auth0.com/oauth/grant-type/"


def auth0_client(client_id: str, **members: Any) -> dict[str, Any]:
    """An application as `GET /api/v2/clients` lists it."""
    return {
        "tenant": "shop", "global": False, "is_token_endpoint_ip_header_trusted": False, "name": client_id.title(),
        "is_first_party": True, "oidc_conformant": True, "sso_disabled": False, "cross_origin_auth": False,
        "encrypted": True, "signing_keys": [{"cert": "-----BEGIN CERTIFICATE-----", "subject": "deprecated"}],
        "refresh_token": {"expiration_type": "non-expiring", "leeway": 0, "infinite_token_lifetime": True,
                          "token_lifetime": 31557600, "rotation_type": "non-rotating"},
        "jwt_configuration": {"alg": "RS256", "lifetime_in_seconds": 36000, "secret_encoded": False},
        "client_id": client_id, "callback_url_template": False, "client_secret": SECRET, "callbacks": [],
        "allowed_logout_urls": [], "client_aliases": [], "token_endpoint_auth_method": "client_secret_post",
        "app_type": "regular_web", "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
        "custom_login_page_on": True, **members,
    }  # fmt: skip


AUTH0: dict[str, Any] = {
    "start": 0,
    "limit": 50,
    "total": 6,
    "clients": [
        auth0_client("global", **{"global": True}, name="All Applications"),
        auth0_client(
            "web", callbacks=["https://web.example/callback", "https://*.web.example/callback"],
            allowed_logout_urls=["https://web.example"], client_metadata={"team": "web"},
            refresh_token={"expiration_type": "expiring", "token_lifetime": 2592000, "rotation_type": "rotating"},
            grant_types=["authorization_code", "refresh_token", "client_credentials", "password",
                         f"{AUTH0_GRANTS}password-realm", f"{AUTH0_GRANTS}mfa-otp"],
        ),
        auth0_client("spa", app_type="spa", token_endpoint_auth_method="none", callbacks=["http://localhost:3000"],
                     is_first_party=False, grant_types=["authorization_code", "refresh_token"]),
        auth0_client("job", app_type="non_interactive", grant_types=["client_credentials"]),
        auth0_client("unbound", app_type="non_interactive", grant_types=["client_credentials"]),
        auth0_client("slack", app_type="slack", grant_types=[], addons={"slack": {"team": "x"}}),
    ],
    "client_grants": [
        {"id": "cgr_1", "client_id": "job", "audience": "https://api.example", "scope": ["READ"], "subject_type": "client"},
    ],
}  # fmt: skip


def doorkeeper_row(number: int, **columns: Any) -> dict[str, Any]:
    """A row of the table `oauth_applications`, as Doorkeeper's migration makes it."""
    return {
        "id": number, "name": f"App {number}", "uid": f"3eyDgF4yLw0fDX3U-zXnRV9wUuvK8-uid_{number}",
        "secret": f"{SECRET}-plain_{number}", "redirect_uri": "", "scopes": "READ", "confidential": True,
        "created_at": "2024-02-01T08:00:00.000Z", "updated_at": "2024-02-01T08:00:00.000Z", **columns,
    }  # fmt: skip


DOORKEEPER = [
    doorkeeper_row(1),
    doorkeeper_row(
        2, redirect_uri="https://a.example/cb\r\nurn:ietf:wg:oauth:2.0:oob", scopes="", owner_id=7, owner_type="User"
    ),
]
