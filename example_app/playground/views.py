"""The playground's pages, and the actions of their buttons. Each action ends in a redirect, so reload and back do no harm."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, session, url_for

from ..flows.approval import said_in
from . import breaking, diagram, show
from .catalogue import BY_NAME, CATALOGUE
from .run import Run, Runs

blueprint = Blueprint("playground", __name__)

#: Allows our own script and style but nothing inline; forms go only to our own site.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
MAX_ADDRESS = 8192


@blueprint.before_request
def arrive() -> Any:
    """Redirect to the server's own address: cookies, redirect URIs and the issuer all belong to that address."""
    url = current_app.config.get("URL")
    if url is None:
        return page("start.html", catalogue=(), problem="not connected"), 503
    if request.host != urlsplit(url).netloc:
        return redirect(url + "/playground/")
    return None


@blueprint.after_request
def guard(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/")
def home() -> str:
    """Show the flows to choose from."""
    return page("start.html", catalogue=CATALOGUE)


@blueprint.post("/start")
def start() -> Any:
    """Begin a flow."""
    entry = BY_NAME.get(request.form.get("flow", ""))
    token_format = request.form.get("format", "opaque")
    if entry is None or token_format not in ("opaque", "jwt") or (token_format == "jwt" and not entry.has_jwt):
        abort(400, "There is no such flow.")
    owner = session.setdefault("owner", secrets.token_urlsafe(16))
    run = runs().begin(owner, entry, token_format, current_app.config["URL"], current_app.config["SECRETS"])
    return redirect(url_for("playground.show_run", identity=run.id), 303)


@blueprint.get("/run/<identity>")
def show_run(identity: str) -> Any:
    """Show past steps, and the next one."""
    run = mine(identity)
    if run is None:
        return page("gone.html"), 404
    with run.lock:
        following = show.item(run.next) if run.next else None
        return page("run.html", run=run, items=show.story(run), next=following, diagram=diagram.drawn(run),
                    breaks=breaking.offered(run))  # fmt: skip


@blueprint.post("/run/<identity>/next")
def press(identity: str) -> Any:
    """Handle the button below the next step."""
    run = mine(identity)
    if run is None:
        return page("gone.html"), 404
    position, token = request.form.get("position", -1, type=int), request.form.get("token", "")[:MAX_ADDRESS].strip()
    run.bring(position, token) if token else run.press(position)
    return back_to(run)


@blueprint.post("/run/<identity>/break")
def break_it(identity: str) -> Any:
    """Send the next request broken on purpose; the walk itself stays where it is."""
    run = mine(identity)
    if run is None:
        return page("gone.html"), 404
    position = request.form.get("position", -1, type=int)
    breaking.break_it(run, position, request.form.get("break", ""), current_app.extensions["inside"])
    return back_to(run)


@blueprint.route("/callback", methods=["GET", "POST"])
def callback() -> Any:
    """Handle the redirect URI. In the implicit flow the answer is in the fragment, which no server sees: the user pastes it."""
    if request.method == "POST":
        _, _, fragment = request.form.get("address", "")[:MAX_ADDRESS].strip().partition("#")
        brought = dict(parse_qsl(fragment))
        if not brought:
            return page("callback.html", is_empty=True), 400
    elif request.query_string:
        brought = request.args.to_dict()
    else:
        return page("callback.html")
    run = runs().awaiting(session.get("owner", ""), said_in(brought).get("state", ""))
    if run is None:
        return page("unasked.html"), 400
    run.come_back(brought)
    return back_to(run)


@blueprint.post("/backchannel-logout")
def backchannel_logout() -> Any:
    """Keep what the server says of a session that ended, as the server of the app that is played (Back-Channel Logout 2.5)."""
    if not current_app.extensions["told"].keep(request.form.get("logout_token", "")):
        return {"error": "invalid_request"}, 400
    return "", 200, {"Cache-Control": "no-store"}


@blueprint.post("/told")
def told() -> Any:
    """Show it to whoever knows the session's `sid`, which is the app alone."""
    token = current_app.extensions["told"].wait_for(request.form.get("sid", ""))
    return {"error": "not_found"} if token is None else {"logout_token": token}, 404 if token is None else 200


def back_to(run: Run) -> Any:
    """Redirect to the step that was just done."""
    return redirect(url_for("playground.show_run", identity=run.id, _anchor="last"), 303)


def mine(identity: str) -> Run | None:
    return runs().get(session.get("owner", ""), identity)


def runs() -> Runs:
    kept: Runs = current_app.extensions["runs"]
    return kept


def page(name: str, **context: Any) -> str:
    return render_template(f"playground/{name}", **context)
