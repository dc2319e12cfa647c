"""A device without a browser shows a code, and the user approves it with their phone (RFC 8628)."""

from __future__ import annotations

from .approval import Refused
from .exchange import Step
from .walk import DeviceApproval, Flow, Getting, Held, Walk

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
#: Errors that mean "not yet": nobody has decided, or the device asked too soon.
NOT_YET = ("authorization_pending", "slow_down")


def get(to: Walk) -> Getting:
    form = {"client_id": to.app_id, "scope": "weather:read"}
    device = (yield to.request("The device asks for codes.", "POST", "/oauth/device_authorization", form=form)).json

    answer = yield poll(to, "It asks whether somebody has answered.", device, expect=400)
    to.check(answer.json["error"] == "authorization_pending", "nobody has")

    answer = yield poll(to, "It asks again. A device that doesn't wait is told to.", device, expect=400)
    to.check(answer.json["error"] in NOT_YET, "there is no answer yet; slow_down is 5 seconds more from now on")

    to.tell(f"The device shows the address {device['verification_uri']} and the code {device['user_code']}.")
    while True:
        yield DeviceApproval(
            "The user opens the address, and types the code.", device["verification_uri"], device["user_code"]
        )
        answer = yield poll(to, "The device asks again.", device, expect=(200, 400))
        if answer.status == 200:
            return Held(to.app_id, answer.json, redeemed={"device_code": device["device_code"]})
        if answer.json["error"] not in NOT_YET:
            raise Refused(f"the device is told {answer.json['error']}: {answer.json['error_description']}")
        to.tell("Nobody has approved it yet.")


def refusals(to: Walk, held: Held) -> Flow:
    answer = yield poll(to, "The device code is good once.", held.redeemed, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")


def poll(to: Walk, title: str, device: dict[str, str], *, expect: int | tuple[int, ...]) -> Step:
    form = {"grant_type": GRANT_TYPE, "client_id": to.app_id, "device_code": device["device_code"]}
    return to.request(title, "POST", "/oauth/token", form=form, expect=expect)
