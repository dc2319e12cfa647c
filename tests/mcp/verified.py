"""What `TokenVerifier` says of what it is given; run by a Python that has an SDK, one that asks no server.

Prints as JSON what it makes of good, bad and strange tokens, in process and by introspection of a server that is away.
"""

import asyncio
import json
import sys
from threading import Thread

from flask import Flask
from werkzeug.serving import make_server

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.mcp import TokenVerifier

database, nobody = sys.argv[1:]
resource = "https://api.example/mcp"
bare = "https://bare.example"


def app_with(form):
    made = Flask("weather")
    made.config.update(
        SECRET_KEY="only for tests",
        OAUTH_ISSUER="https://api.example",
        OAUTH_DATABASE_URI=database,
        OAUTH_SCOPES={"weather:read": "Read", "weather:write": "Write", "weather": "Both"},
        OAUTH_SCOPE_IMPLIES={"weather": ["weather:read", "weather:write"]},
        OAUTH_RESOURCES={"/mcp": resource, "/bare": bare},
        OAUTH_ACCESS_TOKEN_FORMAT=form,
    )
    return made


def verdict(verifier, token):
    try:
        found = asyncio.run(verifier.verify_token(token))
    except TemporarilyUnavailable as error:
        return f"unavailable: {error.description}"
    return None if found is None else [found.client_id, sorted(found.scopes), found.resource, found.claims["sub"]]


def refusal(*given, **named):
    try:
        TokenVerifier(*given, **named)
    except (TypeError, ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


said = {}
for form in ("opaque", "jwt"):
    app = app_with(form)
    gateway = OAuthGateway(app)
    with app.app_context():
        if form == "opaque":
            app.test_cli_runner().invoke(args=["oauth", "init-db"])
            gateway.clients.create(
                client_id="caller", grant_types=["client_credentials"], scope=["weather:read", "weather"]
            )

    def issue(gateway=gateway, **further):
        given = {"scope": "weather:read", "audience": resource, "subject": "alice"} | further
        return gateway.tokens.issue("caller", **given)["access_token"]

    plain, narrow = (
        TokenVerifier(gateway, resource=resource),
        TokenVerifier(app, resource=resource, scopes=["weather:read", "weather:write"]),
    )
    good = issue()
    said[form] = {
        "good": verdict(plain, good),
        "lacks a scope": verdict(narrow, good),
        "includes them": verdict(narrow, issue(scope="weather")),
        "a slash more": verdict(TokenVerifier(gateway, resource=f"{bare}/"), issue(audience=bare)),
        "no audience": verdict(plain, issue(audience="https://api.example")),
        "strange": [verdict(plain, text) for text in ("", " ", f"{good} x", f"{good}\n", "ü", "\x00", "a" * 20000)],
    }
    gateway.tokens.revoke(token=good)
    said[form]["revoked"] = verdict(plain, good)
    with app.app_context():
        gateway.database.engine.dispose()
    said[form]["scopes"] = [narrow.required_scopes, narrow.scopes_supported]

told = Flask("told")
told.add_url_rule(
    "/", view_func=lambda: {"active": True, "token_type": "Bearer", "aud": bare, "sub": "alice"}, methods=["POST"]
)
server = make_server("127.0.0.1", 0, told)
Thread(target=server.serve_forever, daemon=True).start()
asking = {"client_id": "a", "client_secret": "b"}
away = TokenVerifier(introspection_endpoint=nobody, resource=resource, **asking)
here = f"http://127.0.0.1:{server.server_port}/"
said["asked"] = [
    verdict(TokenVerifier(introspection_endpoint=here, resource=each, **asking), "t")
    for each in (bare, f"{bare}/", f"{bare}/x", resource)
]
said["away"] = [verdict(away, "anything"), verdict(away, "again"), verdict(away, "ü"), verdict(away, "")]
said["refused"] = [
    refusal(resource=resource),
    refusal(gateway, introspection_endpoint=nobody, resource=resource),
    refusal(gateway, resource="/mcp"),
    refusal(introspection_endpoint=nobody, resource=resource),
    refusal(introspection_endpoint="http://auth.example/introspect", resource=resource, **asking),
    refusal(gateway, resource=resource, scopes=["two names"]),
    refusal(OAuthGateway(), resource=resource),
]
json.dump(said, sys.stdout)
