"""An app binds its token to a key of its own: whoever steals the token can't use it (DPoP, RFC 9449)."""

from __future__ import annotations

from .approval import approve, prove
from .exchange import Step
from .keys import Key
from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    key = Key()
    to.tell(
        "The app makes a key, and never gives away the private half. Its thumbprint goes along with the request, so that the code"
        " is of no use without this key either.",
        f"thumbprint: {key.thumbprint}",
    )
    held = yield from approve(to, untick="weather:write", key=key, dpop_jkt=key.thumbprint)
    yield from theft(to, held, key)
    return held


def theft(to: Walk, held: Held, key: Key) -> Flow:
    """Steal a token that is bound to this key."""
    to.chapter("Somebody steals the token")
    url, thief = f"{to.url}/api/weather", Key()
    title = "Somebody has stolen the token, and sends it as a plain one …"
    answer = yield to.request(title, "GET", "/api/weather", token=held.token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "it is refused: it is bound to a key")

    title = "… or proves a key, but not this one."
    answer = yield to.request(
        title, "GET", "/api/weather", held=Held(held.client_id, held.answer, key=thief), expect=401
    )
    to.check(answer.json["error"] == "invalid_token", "it is refused: the proof is by another key")

    proof = prove(to, key, "GET", url, held.token)
    yield with_proof(to, "The app itself calls again. Of the token, the proof names the hash.", held, proof)
    answer = yield with_proof(to, "Somebody has seen this request, and sends it once more.", held, proof, expect=401)
    to.check(answer.json["error"] == "invalid_dpop_proof", "a proof is good once")
    other = key.proof("GET", f"{to.url}/api/me", held.token)
    answer = yield with_proof(to, "Or sends the proof of one request with another.", held, other, expect=401)
    to.check(answer.json["error"] == "invalid_dpop_proof", "a proof is for one address")


def refusals(to: Walk, held: Held) -> Flow:
    form = {"grant_type": "refresh_token", "refresh_token": held.answer["refresh_token"], "client_id": held.client_id}
    title = "The refresh token is bound, too: without the key it is of no use."
    yield to.request(title, "POST", "/oauth/token", form=form, expect=400)


def with_proof(to: Walk, title: str, held: Held, proof: str, *, expect: int = 200) -> Step:
    """Prepare a request with a token and this very proof."""
    step = to.request(title, "GET", "/api/weather", proof=proof, expect=expect)
    step.headers["Authorization"] = f"DPoP {held.token}"
    return step
