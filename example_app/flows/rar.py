"""An app asks for one thing, said in detail: this payment, and no other (authorization details, RFC 9396)."""

from __future__ import annotations

import json
from typing import Any

from .approval import approve, pkce
from .jar import REDIRECT, browse
from .strangers import register
from .walk import Flow, Getting, Held, Walk

PAY = "/api/payments"
PAYMENT: dict[str, Any] = {"type": "payment", "amount": {"currency": "EUR", "value": "4.90"}, "creditor": "Bakery"}


def get(to: Walk) -> Getting:
    title = "The app registers itself, and says of what it will ask in detail."
    registered = yield from register(
        to,
        title,
        client_name="Pocket bank",
        token_endpoint_auth_method="none",
        authorization_details_types=["payment"],
    )
    about = "No scope could say this: pay so much to whom. The user reads it, and allows just that."
    to.tell(about, json.dumps([PAYMENT], indent=2))
    client_id, details = registered["client_id"], json.dumps([PAYMENT])
    held = yield from approve(to, client_id=client_id, untick="weather:write", authorization_details=details)
    granted = held.answer["authorization_details"]
    to.check(granted[0].items() >= PAYMENT.items(), "the token is for this payment")
    to.check("account" in granted[0], "the bank has added from which account")

    answer = yield to.request("The app pays.", "POST", PAY, held=held, form={"value": "4.90"})
    to.check(answer.json["paid"] == PAYMENT["amount"], "the view reads in the token what was allowed")
    title = "The app would like to pay more."
    answer = yield to.request(title, "POST", PAY, held=held, form={"value": "4900.00"}, expect=403)
    to.check(answer.json["error"] == "insufficient_scope", "that isn't what the user allowed")
    return held


def refusals(to: Walk, held: Held) -> Flow:
    query = {
        "response_type": "code",
        "client_id": held.client_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read",
        **pkce("the app's verifier"),
    }
    for title, detail in (
        ("A payment to nobody is refused before anybody is asked.", {"type": "payment", "amount": PAYMENT["amount"]}),
        ("So is what the server doesn't know.", {"type": "car_rental"}),
    ):
        answer = yield browse(to, title, {**query, "authorization_details": json.dumps([detail])}, expect=REDIRECT)
        to.check("error=invalid_authorization_details" in answer.headers["Location"], "the app is told so")
