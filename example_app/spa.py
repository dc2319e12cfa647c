"""The page of the single-page app. All its logic is in `static/spa.js`."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, request

blueprint = Blueprint("spa", __name__)

CLIENT_ID = "weather-page"
#: Allows our own script, and requests to our own site, but nothing inline: a script that an attacker injects doesn't run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/spa")
def page() -> Response:
    issuer = current_app.config.get("OAUTH_ISSUER") or request.host_url.rstrip("/")
    response = Response(render_template("spa.html", client_id=CLIENT_ID, issuer=issuer))
    response.headers.update(
        {
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",  # the code is in this page's address for a moment
            "Cache-Control": "no-store",
        }
    )
    return response
