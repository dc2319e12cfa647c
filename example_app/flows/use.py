"""Uses a token at the protected views, and reads it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

from .walk import Flow, Held, Walk


def call(to: Walk, held: Held) -> Flow:
    """Call the protected views without the token, with it, and for more than its scopes allow (RFC 6750)."""
    yield to.request("Without a token the view stays shut.", "GET", "/api/weather", expect=401)

    may = "weather:read" in held.scopes
    answer = yield to.request(
        "The token opens the protected view." if may else "This token lacks the scope weather:read.",
        "GET",
        "/api/weather",
        held=held,
        expect=200 if may else 403,
    )
    if may:
        to.check(answer.json["for"] == held.client_id, "the view knows which client is calling")

    if held.by_user:
        answer = yield to.request("The token is a user's.", "GET", "/api/me", held=held)
        to.check(answer.json["subject"] in to.users, "the view knows whose it is")
    else:
        title = "No user takes part, so this is nobody's token."
        answer = yield to.request(title, "GET", "/api/me", held=held, expect=403)
        to.check(answer.json["error"] == "insufficient_scope", "the refusal says why")

    may = "weather:write" in held.scopes
    answer = yield to.request(
        "To report the weather takes the scope weather:write. This token has it."
        if may
        else "To report the weather takes the scope weather:write. This token has too little.",
        "POST",
        "/api/weather",
        held=held,
        form={"sky": "cloudy"},
        expect=200 if may else 403,
    )
    if not may:
        to.check(answer.json["error"] == "insufficient_scope", "the refusal says why")


def read(to: Walk, held: Held) -> None:
    """Read the token itself: an opaque token tells nothing, a JWT tells everything (RFC 9068)."""
    if held.token.count(".") != 2:
        to.tell(
            "This token is opaque: a random text with no meaning. The server keeps its hash and what belongs to it, so"
            " whoever wants to know more must ask the server."
        )
        return
    to.tell(
        "This token is a JWT: three parts with a dot between them. The first two are base64url of JSON, so whoever holds it"
        " can read it; nothing in it is secret. The third is the server's signature: whoever changes a letter breaks it.",
        *read_jwt(held.token),
    )


def read_jwt(token: str) -> tuple[str, tuple[str, ...]]:
    """Return a JWT's header and claims, written for people, and the names in them."""
    header, claims = (json.loads(decoded(part)) for part in token.split(".")[:2])
    block = f"header  {json.dumps(header, indent=2)}\n\nclaims  {json.dumps(claims, indent=2, ensure_ascii=False)}"
    return block, (*header, *claims)


def decoded(part: str) -> str:
    """Decode a part of a JWT, or any text in base64url without padding."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
