"""Measures what it costs that a view asks for an audience, beside the same view that asks for none."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from flask_oauth_gateway import current_token, require_token

from .apps import Call, call, gateway_app
from .jwt import SERVER

WITH_AUDIENCE, WITHOUT = "protected view, looked up, with an audience", "protected view, looked up, without one"
NOTES = "https://notes.example"


def resource_work(folder: str, uri: str | None) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes the two: each is asked with a token of its own client."""

    @cache
    def asked() -> dict[str, Call]:
        app = gateway_app(f"{folder}/resources", uri, OAUTH_ISSUER=SERVER)

        @app.get("/notes")
        @require_token("weather:read", audience=NOTES)
        def notes() -> dict[str, str]:
            return {"for": current_token.client_id}

        gateway = app.extensions["oauth_gateway"]
        with app.app_context():
            client = gateway.clients.create(grant_types=["client_credentials"], scope="weather:read")
        found = {}
        for name, path, audience in ((WITH_AUDIENCE, "/notes", NOTES), (WITHOUT, "/weather", ())):
            token = gateway.tokens.issue(client.client_id, audience=audience)["access_token"]
            found[name] = call(app, "GET", path, headers={"Authorization": f"Bearer {token}"})
        return found

    return {
        WITH_AUDIENCE: (lambda: asked()[WITH_AUDIENCE], WITHOUT),
        WITHOUT: (lambda: asked()[WITHOUT], None),
    }
