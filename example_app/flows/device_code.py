"""A device without a browser shows a code, and alice approves it with her phone (RFC 8628)."""

from __future__ import annotations

from .browser import Browser
from .walk import Answer, Walk

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


def walk(to: Walk) -> None:
    form = {"client_id": to.app_id, "scope": "weather:read"}
    device = to.send("The device asks for codes.", "POST", "/oauth/device_authorization", form=form).json
    to.tell(f"It shows alice the address {device['verification_uri']} and the code {device['user_code']}.")

    answer = ask(to, "It asks whether she has answered.", device["device_code"], expect=400)
    to.check(answer.json["error"] == "authorization_pending", "she has not")

    answer = ask(to, "It asks again, too soon.", device["device_code"], expect=400)
    to.check(answer.json["error"] == "slow_down", "it must wait for 5 seconds more between two requests from now on")

    browser = Browser(to)
    browser.open("alice opens the address with her phone.", device["verification_uri"])
    browser.sign_in()
    browser.submit("She types the code, in small letters.", user_code=device["user_code"].lower())
    browser.submit("She compares it with the device, and presses Allow.", decision="allow")

    answer = ask(to, "The device asks again. (It would have waited; this script didn't.)", device["device_code"])
    token = answer.json["access_token"]

    answer = to.send("The token is alice's.", "GET", "/api/me", token=token)
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

    answer = ask(to, "The device code is good once.", device["device_code"], expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")


def ask(to: Walk, title: str, device_code: str, *, expect: int = 200) -> Answer:
    form = {"grant_type": GRANT_TYPE, "client_id": to.app_id, "device_code": device_code}
    return to.send(title, "POST", "/oauth/token", form=form, expect=expect)
