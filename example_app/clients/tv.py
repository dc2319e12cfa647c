"""A device without a keyboard: the device flow (RFC 8628), with the standard library, and `device_qr` for the QR code.

It shows a code, and asks every few seconds whether somebody has approved the device. The page reloads itself to ask.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from flask import Flask, current_app, redirect, render_template, request, session, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from flask_oauth_gateway import OAuthGateway

from .frame import make_client_app

CLIENT_ID = "living-room-tv"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT = 10
MAX_SETS = 100


@dataclass
class Television:
    """One television set; each browser session plays one."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: int
    asked_at: float
    lifetime: int
    ends_at: float
    qr: Markup | None = None
    access_token: str | None = None
    problem: str | None = None
    lock: Lock = field(default_factory=Lock)

    @property
    def left(self) -> int:
        """For how many more seconds the code is good."""
        return max(0, math.ceil(self.ends_at - time.time()))

    @property
    def clock(self) -> str:
        return f"{self.left // 60}:{self.left % 60:02}"

    @property
    def spelled(self) -> str:
        """The code for who hears it: letter by letter."""
        return " ".join(self.user_code.replace("-", ","))

    @property
    def asks_in(self) -> int:
        """In how many seconds it may ask again; at its end it looks at once."""
        return max(1, min(math.ceil(self.asked_at + self.interval - time.time()), self.left))


def make_app() -> Flask:
    app = make_client_app("living_room_tv", "/tv")
    app.extensions["televisions"] = {}
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/on", "turn_on", turn_on, methods=["POST"])
    app.add_url_rule("/off", "turn_off", turn_off, methods=["POST"])
    return app


def connect(app: Flask, url: str, server: str) -> None:
    app.config.update(SERVER=server, API=f"{url}/api")


def home() -> Any:
    """Show the screen: it is off, waits for somebody with a phone, or shows the weather."""
    if "SERVER" not in current_app.config:
        return render_template("tv.html", problem="not connected"), 503
    television = televisions().get(session.get("id", ""))
    if television is None:
        return render_template("tv.html")
    with television.lock:
        if is_decided(television):
            pass
        elif not television.left:
            television.problem = "expired_token"
        # Never ask sooner than the server said, even if somebody presses reload, or has two tabs.
        elif time.time() - television.asked_at >= television.interval:
            ask(television)
    if television.problem:
        return render_template("tv.html", problem=television.problem)
    if television.access_token is None:
        is_still = "still" in request.args
        page = render_template("tv.html", waiting=television, is_still=is_still)
        return page, {} if is_still else {"Refresh": str(television.asks_in)}
    status, weather = call("GET", f"{current_app.config['API']}/weather", token=television.access_token)
    _, me = call("GET", f"{current_app.config['API']}/me", token=television.access_token)
    if status != 200:
        return render_template("tv.html", problem=weather.get("error", "server_error"))
    return render_template("tv.html", weather=weather, me=me)


def turn_on() -> Response:
    """Ask for a device code, and for a user code to show (section 3.1)."""
    status, answer = call(
        "POST",
        f"{current_app.config['SERVER']}/device_authorization",
        {"client_id": CLIENT_ID, "scope": "weather:read"},
    )
    session["id"] = secrets.token_urlsafe(16)
    kept, now = televisions(), time.time()
    kept[session["id"]] = Television(
        device_code=answer.get("device_code", ""),
        user_code=answer.get("user_code", ""),
        verification_uri=answer.get("verification_uri", ""),
        verification_uri_complete=answer.get("verification_uri_complete", ""),
        interval=answer.get("interval", 5),
        asked_at=now,
        lifetime=answer.get("expires_in", 0),
        ends_at=now + answer.get("expires_in", 0),
        qr=qr(answer) if status == 200 else None,
        problem=None if status == 200 else answer.get("error", "server_error"),
    )
    while len(kept) > MAX_SETS:
        kept.pop(next(iter(kept)), None)
    return redirect(url_for("home"), 303)


def turn_off() -> Response:
    television = televisions().pop(session.pop("id", ""), None)
    if television is not None and television.access_token:
        form = {"client_id": CLIENT_ID, "token": television.access_token}
        call("POST", f"{current_app.config['SERVER']}/revoke", form)
    return redirect(url_for("home"), 303)


def ask(television: Television) -> None:
    """Ask whether somebody has approved the device (sections 3.4 and 3.5)."""
    form = {"grant_type": GRANT_TYPE, "client_id": CLIENT_ID, "device_code": television.device_code}
    status, answer = call("POST", f"{current_app.config['SERVER']}/token", form)
    television.asked_at = time.time()
    if status == 200:
        television.access_token = answer["access_token"]
    elif answer.get("error") == "slow_down":
        television.interval += 5
    elif answer.get("error") != "authorization_pending":
        television.problem = answer.get("error", "server_error")


def is_decided(television: Television) -> bool:
    return bool(television.access_token or television.problem)


def qr(answer: dict[str, Any]) -> Markup | None:
    """Return the QR code for a phone's camera; `None` where the package for it is missing: the address is there in letters."""
    try:
        return OAuthGateway.device_qr(answer)
    except RuntimeError:
        return None


def call(
    method: str, url: str, form: dict[str, str] | None = None, token: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Return an answer's status and JSON, also for errors."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    data = None if form is None else urlencode(form).encode()
    try:
        with urlopen(Request(url, data, headers, method=method), timeout=TIMEOUT) as response:  # noqa: S310  # http, from our own configuration
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def televisions() -> dict[str, Television]:
    kept: dict[str, Television] = current_app.extensions["televisions"]
    return kept
