"""Measures direct WSGI calls in one process: interleaved rounds, medians, and ratios to the bare view of the same run.

`python -m bench [--rounds N] [--calls N] [--tokens N] [--database URI] [--json FILE]`
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from pathlib import Path

from flask_oauth_gateway.database.tables import access_token

from .apps import Call, answer, bare_app, basic, call, gateway_app
from .jwt import NAME as JWT_ISSUER
from .jwt import JwtIssuer
from .saml import NAME as IDP
from .saml import IdentityProvider
from .tokens import token_work

CLIENT_CREDENTIALS = b"grant_type=client_credentials"
WARM_UP = 20
#: Ten entries; only the last one fits the request.
FORWARDED = [{"host": "files.example", "path": f"/files/{n}/*", "scopes": ["weather:read"]} for n in range(10)]
FORWARD = {"X-Original-URI": "/files/9/june", "X-Original-Method": "GET", "X-Forwarded-Host": "files.example"}


def contestants(folder: str, uri: str | None, tokens: int, repeats: int) -> dict[str, tuple[Call, str | None]]:
    """Return each operation, and the one it is compared with. `repeats`: how often each is done in total."""
    bare = bare_app()
    idp, issuer = IdentityProvider(), JwtIssuer()
    app = gateway_app(
        folder,
        uri,
        OAUTH_GRANT_TYPES=["client_credentials", "jwt_bearer", "saml2_bearer"],
        OAUTH_JWT_ISSUERS={JWT_ISSUER: issuer.entry},
        OAUTH_SAML_ISSUERS={IDP: idp.entry},
        OAUTH_FORWARD_AUTH=True,
        OAUTH_PROTECT=FORWARDED,
    )
    cached = gateway_app(folder, uri, OAUTH_TOKEN_CACHE_SECONDS=60)
    gateway = app.extensions["oauth_gateway"]
    with app.app_context():
        client = gateway.clients.create(client_name="bench", grant_types=["client_credentials"], scope="weather:read")
        gateway.clients.create(client_id="partner", grant_types=["jwt_bearer", "saml2_bearer"], scope="weather:read")
    identity = basic(client.client_id, client.client_secret)
    fill(app, client.key, tokens)

    def new_token() -> str:
        return str(answer(app, "POST", "/oauth/token", headers=identity, body=CLIENT_CREDENTIALS)["access_token"])

    token = new_token()
    bearer = {"Authorization": f"Bearer {token}"}
    return {
        "bare view": (call(bare, "GET", "/bare"), None),
        "bare form POST": (call(bare, "POST", "/form", body=CLIENT_CREDENTIALS), None),
        "protected view, looked up": (call(app, "GET", "/weather", headers=bearer), "bare view"),
        "protected view, token seen": (call(cached, "GET", "/weather", headers=bearer), "bare view"),
        "protected view, no token": (call(app, "GET", "/weather"), "bare view"),
        "forward auth, scope in the URL": (
            call(app, "GET", "/oauth/verify?scope=weather:read", headers=bearer),
            "protected view, looked up",
        ),
        "forward auth, by path": (
            call(app, "GET", "/oauth/verify", headers=bearer | FORWARD),
            "protected view, looked up",
        ),
        "client credentials": (
            call(app, "POST", "/oauth/token", headers=identity, body=CLIENT_CREDENTIALS),
            "bare form POST",
        ),
        "jwt assertion ES256": (
            call(app, "POST", "/oauth/token", bodies=issuer.bodies(repeats)),
            "client credentials",
        ),
        "SAML assertion of 3 KB": (
            call(app, "POST", "/oauth/token", bodies=idp.bodies(repeats)),
            "client credentials",
        ),
        "introspect": (
            call(app, "POST", "/oauth/introspect", headers=identity, body=f"token={token}".encode()),
            "bare form POST",
        ),
        "tokeninfo": (call(app, "POST", "/oauth/tokeninfo", body=f"access_token={token}".encode()), "bare form POST"),
        **token_work(folder, uri, repeats),
    }


def fill(app, client: int, tokens: int) -> None:  # type: ignore[no-untyped-def]
    """Put other tokens into the table, so that the look-up searches a table of real size."""
    import secrets

    now = int(time.time())
    rows = (
        {
            "token_hash": secrets.token_bytes(32), "client": client, "scope": "weather:read",
            "grant_type": "client_credentials", "issued_at": now, "expires_at": now + 3600,
        }
        for _ in range(tokens)
    )  # fmt: skip
    while batch := [row for row, _ in zip(rows, range(5000), strict=False)]:
        with app.extensions["oauth_gateway"].database.transaction() as connection:
            connection.execute(access_token.insert(), batch)


def measure(work: dict[str, tuple[Call, str | None]], rounds: int, calls: int) -> dict[str, float]:
    """Return the median time of a call, in microseconds. Rounds are interleaved, so that a busy minute hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for name, (perform, _) in work.items():
        for _ in range(WARM_UP):
            status = perform()
        print(f"  {name}: answers {status}")
    gc.collect()
    for _ in range(rounds):
        for name, (perform, _) in work.items():
            start = time.perf_counter()
            for _ in range(calls):
                perform()
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--tokens", type=int, default=20_000, help="other tokens in the table")
    parser.add_argument("--database", help="an SQLAlchemy URL; left out: SQLite in a temporary folder")
    parser.add_argument("--json", type=Path, help="write the result here too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = contestants(folder, given.database, given.tokens, WARM_UP + given.rounds * given.calls)
        medians = measure(work, given.rounds, given.calls)
    print("\n| work | µs | ratio | compared with |\n| --- | --- | --- | --- |")
    result = {}
    for name, (_, base) in work.items():
        ratio = medians[name] / medians[base] if base else 1.0
        result[name] = {"microseconds": round(medians[name], 1), "ratio": round(ratio, 2), "base": base}
        print(f"| {name} | {medians[name]:.1f} | {ratio:.2f} | {base or '–'} |")
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
