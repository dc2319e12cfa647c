"""The operations that are measured in one process, each by direct WSGI calls, and what each is compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from .apps import Call, answer, bare_app, basic, call, gateway_app
from .bound import bound_work
from .flows import flow_work
from .jwt import NAME as JWT_ISSUER
from .jwt import JwtIssuer
from .openid import openid_work
from .registration import registration_work
from .resources import resource_work
from .saml import NAME as IDP
from .saml import IdentityProvider
from .seeding import analyse, seed_refresh_tokens, seed_tokens
from .tokens import token_work

CLIENT_CREDENTIALS = b"grant_type=client_credentials"
#: Ten entries; only the last one fits the request.
FORWARDED = [{"host": "files.example", "path": f"/files/{n}/*", "scopes": ["weather:read"]} for n in range(10)]
FORWARD = {"X-Original-URI": "/files/9/june", "X-Original-Method": "GET", "X-Forwarded-Host": "files.example"}
VIEW, FORM = "bare view", "bare form POST"
#: How an operation is made, and the one that it is compared with.
Making = dict[str, tuple[Callable[[], Call], str | None]]


def operations(
    folder: str, uri: str | None, tokens: int, repeats: int, only: Collection[str] | None = None
) -> dict[str, tuple[Call, str | None]]:
    """Make the operations (`only` these), with the one that each is compared with. `repeats`: how often each is done in total.

    `tokens`: so many other tokens are in the table, so that a look-up searches a table of real size.
    """
    making = (
        _own_work(folder, uri, tokens, repeats)
        | token_work(folder, uri, repeats)
        | openid_work(folder, uri, repeats)
        | registration_work(folder, uri)
        | resource_work(folder, uri)
        | bound_work(folder, uri, repeats)
        | flow_work(folder, uri, repeats)
    )
    return {name: (make(), base) for name, (make, base) in making.items() if only is None or name in only}


def _own_work(folder: str, uri: str | None, tokens: int, repeats: int) -> Making:
    bare = bare_app()
    idp, issuer = IdentityProvider(), JwtIssuer()
    app = gateway_app(
        folder,
        uri,
        OAUTH_GRANT_TYPES=["client_credentials", "refresh_token", "jwt_bearer", "saml2_bearer"],
        OAUTH_JWT_ISSUERS={JWT_ISSUER: issuer.entry},
        OAUTH_SAML_ISSUERS={IDP: idp.entry},
        OAUTH_FORWARD_AUTH=True,
        OAUTH_PROTECT=FORWARDED,
    )
    cached = gateway_app(folder, uri, OAUTH_TOKEN_CACHE_SECONDS=60)
    gateway = app.extensions["oauth_gateway"]
    own: dict[str, Any] = {"grant_types": ["client_credentials", "refresh_token"], "scope": "weather:read"}
    with app.app_context():
        client = gateway.clients.create(client_name="bench", **own)
        gateway.clients.create(client_id="partner", grant_types=["jwt_bearer", "saml2_bearer"], scope="weather:read")
    identity = basic(client.client_id, client.client_secret)
    seed_tokens(gateway, client.key, "weather:read", tokens)
    analyse(gateway)
    token = str(answer(app, "POST", "/oauth/token", headers=identity, body=CLIENT_CREDENTIALS)["access_token"])
    bearer = {"Authorization": f"Bearer {token}"}

    def post(path: str, body: bytes = b"", **how: Any) -> Callable[[], Call]:
        return lambda: call(app, "POST", path, headers=identity, body=body, **how)

    def verify(path: str, headers: dict[str, str]) -> Callable[[], Call]:
        return lambda: call(app, "GET", path, headers=headers)

    def refresh() -> Call:
        values = seed_refresh_tokens(gateway, client.key, "weather:read", repeats)
        bodies = [f"grant_type=refresh_token&refresh_token={value}".encode() for value in values]
        return call(app, "POST", "/oauth/token", headers=identity, bodies=bodies)

    def revoke() -> Call:
        values = seed_tokens(gateway, client.key, "weather:read", repeats)
        bodies = [f"token={value}".encode() for value in values]
        return call(app, "POST", "/oauth/revoke", headers=identity, bodies=bodies)

    looked_up = "protected view, looked up"
    return {
        VIEW: (lambda: call(bare, "GET", "/bare"), None),
        FORM: (lambda: call(bare, "POST", "/form", body=CLIENT_CREDENTIALS), None),
        looked_up: (verify("/weather", bearer), VIEW),
        "protected view, token seen": (lambda: call(cached, "GET", "/weather", headers=bearer), VIEW),
        "protected view, no token": (verify("/weather", {}), VIEW),
        "forward auth, scope in the URL": (verify("/oauth/verify?scope=weather:read", bearer), looked_up),
        "forward auth, by path": (verify("/oauth/verify", bearer | FORWARD), looked_up),
        "client credentials": (post("/oauth/token", CLIENT_CREDENTIALS), FORM),
        "refresh": (refresh, FORM),
        "jwt assertion ES256": (
            lambda: call(app, "POST", "/oauth/token", bodies=issuer.bodies(repeats)),
            "client credentials",
        ),
        "SAML assertion of 3 KB": (
            lambda: call(app, "POST", "/oauth/token", bodies=idp.bodies(repeats)),
            "client credentials",
        ),
        "introspect": (post("/oauth/introspect", f"token={token}".encode()), FORM),
        "revoke": (revoke, FORM),
        "tokeninfo": (
            lambda: call(app, "POST", "/oauth/tokeninfo", body=f"access_token={token}".encode()),
            FORM,
        ),
    }
