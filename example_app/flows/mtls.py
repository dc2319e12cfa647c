"""A program proves who it is by a TLS certificate, and its token works only with this certificate (mutual TLS, RFC 8705)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ..ca import asking_for
from .approval import approve
from .strangers import register
from .walk import Flow, Getting, Held, Walk

NAME = "bank.example"


def get(to: Walk) -> Getting:
    to.tell(
        "The program makes a key, and asks an authority that the server trusts for a certificate. (The demo's authority is a"
        " throw-away one, and signs for everybody.)"
    )
    certificate = yield from certified(to, NAME)
    title = "The program registers itself. The name in its certificate is all that it needs, and no secret."
    registered = yield from register(
        to,
        title,
        client_name="Pocket bank",
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_san_dns=NAME,
        tls_client_certificate_bound_access_tokens=True,
    )
    to.tell(
        "TLS checks that the program has the certificate's key. In front of a server that is the work of a proxy such as nginx,"
        " which hands the certificate on in a header, in place of whatever the caller put there. Here, where all is on one"
        " machine and without TLS, the walk says what nginx would say. From any other machine that header wouldn't count."
    )
    client_id = registered["client_id"]
    held = yield from approve(to, untick="weather:write", client_id=client_id, certificate=certificate)
    yield from theft(to, held)
    return held


def theft(to: Walk, held: Held) -> Flow:
    """Steal a token that is bound to a certificate."""
    to.chapter("Somebody steals the token")
    title = "Somebody has stolen the token. They have no certificate …"
    answer = yield to.request(title, "GET", "/api/weather", token=held.token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "it is refused: it is bound to a certificate")

    other = yield from certified(to, "thief.example")
    title = "… or another one, of the same authority."
    answer = yield to.request(title, "GET", "/api/weather", token=held.token, certificate=other, expect=401)
    to.check(answer.json["error"] == "invalid_token", "it is refused as well")


def refusals(to: Walk, held: Held) -> Flow:
    other = yield from certified(to, "thief.example")
    form = {"grant_type": "refresh_token", "refresh_token": held.answer["refresh_token"], "client_id": held.client_id}
    title = "Nor can they say that they are the program."
    answer = yield to.request(title, "POST", "/oauth/token", form=form, certificate=other, expect=401)
    to.check(answer.json["error"] == "invalid_client", "the answer doesn't say what is wrong with it")


def certified(to: Walk, name: str) -> Generator[Any, Any, str]:
    """Get a certificate for a key that is made now; returns it in PEM."""
    title = f"The authority signs a certificate for {name}."
    answer = yield to.request(title, "POST", "/ca/sign", form={"csr": asking_for(name)})
    return str(answer.json["certificate"])
