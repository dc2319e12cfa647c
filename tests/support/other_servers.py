"""What the servers of docs/other-servers.md write into their tokens, and what a reader writes into their entries there."""

from dataclasses import dataclass, field
from typing import Any

TENANT, API, CLIENT = (f"{digit * 8}-1111-4222-8333-{digit * 12}" for digit in "abc")
OID, PAIRWISE = "9f4a7c1e-0000-4aaa-8bbb-1234567890ab", "Xo7Jp0bT8mQ2rW5yU1iK3lN6vB9cD4fG-hS_aZeRtYu"
#: What a reader writes in the place of each word in capitals.
READER = {
    "TENANT-ID": TENANT, "API-CLIENT-ID": API, "CLIENT-ID": CLIENT, "TENANT": "contoso", "POLICY": "B2C_1_signin",
    "HOST": "login.example.com", "REALM": "shop", "DOMAIN": "dev-123", "REGION": "eu-west-1", "POOL": "eu-west-1_Ab12",
    "ANOTHER-APP-CLIENT-ID": "other", "APP-CLIENT-ID": "4qsb1", "CLUSTER": "EXAMPLED539D4633E53DE1B716D3041E",
    "NAMESPACE": "shop", "NAME": "worker", "OWNER/REPOSITORY": "octo-org/octo-repo", "ACCOUNT": "job", "PROJECT": "shop-1",
}  # fmt: skip


@dataclass
class Case:
    """A server's section, which of its entries, where its keys are, and the claims that it writes, by what becomes of them.

    `taken`: claims, and the client, subject and scopes that they give. `refused`: claims of what isn't for the API.
    """

    title: str
    keys: str | None
    taken: list[tuple[dict[str, Any], tuple[str, str | None, list[str]]]]
    refused: list[dict[str, Any]]
    entry: int = 0
    header: dict[str, Any] = field(default_factory=dict)
    scope: str | None = None  # a scope that the page tells views to ask for


KEYCLOAK: dict[str, Any] = {
    "iss": "https://login.example.com/realms/shop", "jti": "onrtac:5e3e", "typ": "Bearer", "azp": "web", "sid": "s-1",
    "sub": OID, "aud": ["my-api", "account"], "acr": "1", "allowed-origins": ["https://web.example"],
    "realm_access": {"roles": ["offline_access", "default-roles-shop"]},
    "resource_access": {"account": {"roles": ["view-profile"]}},
    "scope": "openid profile email weather:read", "email_verified": True, "name": "Al Ice", "preferred_username": "alice",
}  # fmt: skip
ENTRA2: dict[str, Any] = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "aud": API, "aio": "AXQAi", "azp": CLIENT, "azpacr": "1",
    "name": "Al Ice", "oid": OID, "preferred_username": "alice@contoso.com", "rh": "0.AXwA", "scp": "weather.read",
    "sub": PAIRWISE, "tid": TENANT, "uti": "u1", "ver": "2.0",
}  # fmt: skip
ENTRA1: dict[str, Any] = {
    "iss": f"https://sts.windows.net/{TENANT}/", "aud": f"api://{API}", "acr": "1", "aio": "AXQAi", "amr": ["pwd"],
    "appid": CLIENT, "appidacr": "0", "family_name": "Ice", "given_name": "Al", "ipaddr": "203.0.113.7", "name": "Al Ice",
    "oid": OID, "rh": "0.AX", "scp": "weather.read", "sub": PAIRWISE, "tid": TENANT, "unique_name": "alice@contoso.com",
    "upn": "alice@contoso.com", "uti": "u1", "ver": "1.0",
}  # fmt: skip
B2C: dict[str, Any] = {
    "iss": f"https://contoso.b2clogin.com/{TENANT}/v2.0/", "aud": API, "sub": OID, "oid": OID, "name": "Al",
    "emails": ["a@b.example"], "tfp": "B2C_1_signin", "nonce": "defaultNonce", "scp": "weather.read", "azp": CLIENT, "ver": "1.0",
    "auth_time": 1700000000,
}  # fmt: skip
ADFS: dict[str, Any] = {
    "iss": "http://login.example.com/adfs/services/trust", "aud": "https://api.example.com", "apptype": "Confidential",
    "appid": CLIENT, "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "auth_time": "2026-01-02T07:02:58.916Z", "ver": "1.0", "scp": "weather.read openid", "upn": "alice@corp.example",
}  # fmt: skip
OKTA: dict[str, Any] = {
    "iss": "https://dev-123.okta.com/oauth2/default", "aud": "api://default", "ver": 1, "jti": "AT.x", "cid": "0oa1",
    "uid": "00u1", "scp": ["openid", "weather:read"], "auth_time": 1700000000, "sub": "alice@example.com",
}  # fmt: skip
AUTH0: dict[str, Any] = {
    "iss": "https://contoso.eu.auth0.com/", "sub": "auth0|5f7c8ec7", "azp": "web", "gty": "password",
    "scope": "openid weather:read", "aud": ["https://api.example.com", "https://contoso.eu.auth0.com/userinfo"],
}  # fmt: skip
COGNITO: dict[str, Any] = {
    "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12", "sub": OID, "token_use": "access", "client_id": "4qsb1",
    "scope": "openid api/weather.read", "auth_time": 1700000000, "version": 2, "username": "alice", "jti": "j", "origin_jti": "o",
}  # fmt: skip
GOOGLE_JOB: dict[str, Any] = {
    "iss": "https://accounts.google.com", "aud": "https://api.example.com", "azp": "113774264463038321964",
    "email_verified": True, "email": "job@shop-1.iam.gserviceaccount.com", "sub": "113774264463038321964",
}  # fmt: skip
GOOGLE_USER: dict[str, Any] = {
    "iss": "https://accounts.google.com", "aud": f"{CLIENT}.apps.googleusercontent.com", "sub": "110169484474386276334",
    "azp": f"{CLIENT}.apps.googleusercontent.com", "hd": "example.com", "email": "a@example.com", "email_verified": True,
    "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "nonce": "n", "name": "Al", "picture": "https://x.example/p.png",
}  # fmt: skip
POD: dict[str, Any] = {
    "aud": ["https://api.example.com"], "jti": "j", "sub": "system:serviceaccount:shop:worker",
    "kubernetes.io": {
        "namespace": "shop", "node": {"name": "n1", "uid": "1"}, "pod": {"name": "worker-1", "uid": "2"},
        "serviceaccount": {"name": "worker", "uid": "3"}, "warnafter": 1700000000,
    },
}  # fmt: skip
EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
GITHUB: dict[str, Any] = {
    "iss": "https://token.actions.githubusercontent.com", "jti": "j", "aud": "https://api.example.com", "ref": "refs/heads/main",
    "sub": "repo:octo-org/octo-repo:environment:prod", "sha": "1f3a", "environment": "prod", "repository": "octo-org/octo-repo",
    "repository_owner": "octo-org", "actor_id": "12", "repository_visibility": "private", "repository_id": "74", "run_id": "1",
    "repository_owner_id": "65", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted",
    "actor": "octocat", "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch",
    "ref_type": "branch", "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
}  # fmt: skip
SHOP_POD = "system:serviceaccount:shop:worker"

CASES = [
    Case(
        "Keycloak", "https://login.example.com/realms/shop/protocol/openid-connect/certs",
        [
            (KEYCLOAK, ("web", OID, ["email", "openid", "profile", "weather:read"])),
            ({**KEYCLOAK, "preferred_username": "service-account-web", "sid": None, "scope": "weather:read"},
             ("web", None, ["weather:read"])),
        ],
        [
            {**KEYCLOAK, "aud": "account"},
            {**KEYCLOAK, "typ": "ID", "aud": "my-api", "at_hash": "h"},
            {**KEYCLOAK, "typ": "Refresh"},
        ],
    ),
    Case(
        "Entra ID, version 2", f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys",
        [
            (ENTRA2, (CLIENT, OID, ["weather.read"])),
            ({**ENTRA2, "scp": None, "name": None, "preferred_username": None, "roles": ["weather.all"], "sub": OID},
             (CLIENT, None, ["weather.all"])),
        ],
        [
            {**ENTRA2, "aud": "00000003-0000-0000-c000-000000000000"},
            {**ENTRA2, "azp": None, "azpacr": None, "scp": None, "nonce": "n"},  # an ID token, of an API that is a client too
        ],
    ),
    Case(
        "Entra ID, version 1", f"https://login.microsoftonline.com/{TENANT}/discovery/keys",
        [
            (ENTRA1, (CLIENT, OID, ["weather.read"])),
            ({**ENTRA1, "scp": None, "appidacr": "1", "roles": ["weather.all"], "sub": OID, "upn": None, "unique_name": None},
             (CLIENT, None, ["weather.all"])),
        ],
        [{**ENTRA1, "aud": "https://graph.microsoft.com"}, {**ENTRA1, "iss": ENTRA2["iss"]}],
    ),
    Case(
        "Azure AD B2C", "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/discovery/v2.0/keys",
        [(B2C, (CLIENT, OID, ["weather.read"]))],
        [{**B2C, "aud": CLIENT}, {**B2C, "azp": None, "scp": None, "aud": API}],
    ),
    Case(
        "ADFS", "https://login.example.com/adfs/discovery/keys",
        [(ADFS, (CLIENT, "alice@corp.example", ["openid", "weather.read"]))],
        [
            {**ADFS, "aud": "urn:microsoft:userinfo"},
            {**ADFS, "aud": CLIENT, "scp": "openid"},
            {**ADFS, "iss": "https://login.example.com/adfs"},
        ],
        header={"kid": None, "x5t": "jeeQjLUam_V5jJgqW1jVLeYl8Gik"},
    ),
    Case(
        "Okta", "https://dev-123.okta.com/oauth2/default/v1/keys",
        [
            (OKTA, ("0oa1", "alice@example.com", ["openid", "weather:read"])),
            ({**OKTA, "uid": None, "sub": "0oa1", "scp": ["weather:read"], "auth_time": None}, ("0oa1", None, ["weather:read"])),
        ],
        [{**OKTA, "cid": None, "scp": None, "aud": "0oa1", "idp": "00o1", "amr": ["pwd"]}, {**OKTA, "aud": "api://other"}],
    ),
    Case(
        "Auth0", "https://contoso.eu.auth0.com/.well-known/jwks.json",
        [
            (AUTH0, ("web", "auth0|5f7c8ec7", ["openid", "weather:read"])),
            ({**AUTH0, "sub": "job@clients", "azp": "job", "gty": "client-credentials", "scope": "weather:read",
              "aud": "https://api.example.com"}, ("job", None, ["weather:read"])),
        ],
        [{**AUTH0, "azp": None, "gty": None, "scope": None, "aud": "web", "nonce": "n"}],
    ),
    Case(
        "Cognito", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12/.well-known/jwks.json",
        [(COGNITO, ("4qsb1", OID, ["api/weather.read", "openid"]))],
        [{**COGNITO, "token_use": "id", "aud": "4qsb1"}, {**COGNITO, "client_id": "stranger"}],
    ),
    Case(
        "Google", "https://www.googleapis.com/oauth2/v3/certs",
        [
            (GOOGLE_JOB, (GOOGLE_JOB["sub"], None, [GOOGLE_JOB["email"]])),
            ({**GOOGLE_JOB, "email": "someone@elsewhere.iam.gserviceaccount.com"}, (GOOGLE_JOB["sub"], None, [])),
        ],
        [GOOGLE_USER, {**GOOGLE_JOB, "aud": "https://other.example.com"}],
        scope=GOOGLE_JOB["email"],
    ),
    Case(
        "Google", "https://www.googleapis.com/oauth2/v3/certs",
        [(GOOGLE_USER, (GOOGLE_USER["azp"], GOOGLE_USER["sub"], []))], [GOOGLE_JOB], entry=1,
    ),
    Case(
        "Kubernetes", f"{EKS}/keys",
        [
            ({**POD, "iss": EKS}, ("", SHOP_POD, [SHOP_POD])),
            ({**POD, "iss": EKS, "sub": "system:serviceaccount:other:pod"}, ("", "system:serviceaccount:other:pod", [])),
        ],
        [
            {**POD, "iss": EKS, "aud": ["https://kubernetes.default.svc"]},
            {**POD, "iss": EKS, "aud": [*POD["aud"], "sts.amazonaws.com"]},
        ],
        header={"typ": None}, scope=SHOP_POD,
    ),
    Case(
        "Kubernetes", None,
        [({**POD, "iss": "https://kubernetes.default.svc.cluster.local"}, ("", SHOP_POD, [SHOP_POD]))],
        [{**POD, "iss": EKS}], entry=1, header={"typ": None}, scope=SHOP_POD,
    ),
    Case(
        "GitHub Actions", "https://token.actions.githubusercontent.com/.well-known/jwks",
        [
            (GITHUB, ("", GITHUB["sub"], ["octo-org/octo-repo"])),
            ({**GITHUB, "repository": "stranger/repo", "sub": "repo:stranger/repo"}, ("", "repo:stranger/repo", [])),
        ],
        [{**GITHUB, "aud": "https://github.com/octo-org"}],
        header={"x5t": "example-thumbprint"}, scope="octo-org/octo-repo",
    ),
]  # fmt: skip
