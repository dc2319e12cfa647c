"""An app with every popular extension, and a gateway that is told of none: `python -m tests.flows.everything_app PORT FOLDER`.

A process of its own, as Sentry and OpenTelemetry change the whole process. Each extension has its own defaults, but for
what plain http on loopback needs. It prints the clients as JSON, once it listens.
"""

import json
import sys
from pathlib import Path
from typing import Any

import sentry_sdk
from cachelib import SimpleCache
from flask import Flask, request
from flask_babel import Babel
from flask_caching import Cache
from flask_compress import Compress
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, hash_password
from flask_security.models import fsqla_v3
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.flask import FlaskIntegration
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client

PASSWORD = "a password of alice"
CALLBACK = "https://app.example/cb"
BROKEN = "Broken"
LIMIT = 100  # requests a minute to an endpoint, more than the walk needs


def create_app(folder: Path) -> tuple[Flask, list[dict[str, str]]]:
    """The app, and the credentials of its clients: one that works, and one for which a hook of the app's fails."""
    heard: list[str] = []

    def hear(event: Any, _: Any) -> None:
        """What Sentry would send, and doesn't."""
        heard.append(json.dumps(event, default=str))

    sentry_sdk.init("https://key@sentry.invalid/1", integrations=[FlaskIntegration()], before_send=hear)
    app = Flask("everything", instance_path=str(folder))
    app.config.update(
        SECRET_KEY="only for tests",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'app.db'}",
        SECURITY_PASSWORD_SALT="salt",
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=SimpleCache(),
        CACHE_TYPE="SimpleCache",
        OAUTH_SCOPES={"weather:read": "Read the weather"},
        OAUTH_GRANT_TYPES=["authorization_code", "client_credentials", "refresh_token", "device_code"],
        OAUTH_ADMIN=True,
    )
    db = SQLAlchemy(app)
    fsqla_v3.FsModels.set_db_info(db)

    class Role(db.Model, fsqla_v3.FsRoleMixin):  # type: ignore[misc, name-defined]
        pass

    class User(db.Model, fsqla_v3.FsUserMixin):  # type: ignore[misc, name-defined]
        pass

    people = SQLAlchemyUserDatastore(db, User, Role)
    Security(app, people)
    Session(app)
    gateway = OAuthGateway(app, db)
    CSRFProtect(app)  # after the gateway; the tests of the exemption alone have the other order too
    Talisman(app, force_https=False, session_cookie_secure=False)
    Limiter(get_remote_address, app=app, default_limits=[f"{LIMIT} per minute"], storage_uri="memory://")
    CORS(app)
    Babel(app, locale_selector=lambda: request.accept_languages.best_match(["en", "de"]))
    cache = Cache(app)
    Compress(app)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    gateway.is_admin(lambda user: user.email == "alice@example.com")

    @gateway.token_attributes
    def attributes(client: Client, *_: Any) -> dict[str, Any]:
        if client.client_name == BROKEN:
            raise RuntimeError("a bug of the app's")
        return {}

    @app.get("/weather")
    @require_token("weather:read")
    @cache.cached(key_prefix=lambda: f"weather of {current_token.subject}")
    def weather() -> dict[str, Any]:
        return {"of": current_token.subject, "for": current_token.client_id}

    @app.get("/")
    @auth_required("session")
    def home() -> str:
        return f"<title>Home</title>{current_user.email}"

    @app.get("/seen")
    def seen() -> dict[str, Any]:
        return {
            "sentry": [json.dumps(event, default=str) for event in heard],
            "spans": sorted({span.name for span in spans.get_finished_spans()}),
        }

    with app.app_context():
        db.create_all()
        people.create_user(email="alice@example.com", password=hash_password(PASSWORD))
        db.session.commit()
        clients = [
            gateway.clients.create(
                client_name=name,
                grant_types=["authorization_code", "client_credentials", "refresh_token", "device_code"],
                redirect_uris=[CALLBACK],
                scope="weather:read",
            )
            for name in ("Weather board", BROKEN)
        ]
    return app, [{"client_id": each.client_id, "client_secret": each.client_secret or ""} for each in clients]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


if __name__ == "__main__":
    served, registered = create_app(Path(sys.argv[2]))
    server = make_server("127.0.0.1", int(sys.argv[1]), served, threaded=True, request_handler=_Quiet)
    sys.stdout.write(f"{json.dumps(registered)}\n")
    sys.stdout.flush()
    server.serve_forever()
