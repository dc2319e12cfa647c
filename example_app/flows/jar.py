"""An app signs its request: nobody can change it on its way through the browser (JAR, RFC 9101)."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from .approval import Brought, Through, approve, pkce
from .exchange import Step
from .jwt_bearer import encoded
from .keys import ALGORITHM, Key
from .strangers import register
from .use import read_jwt
from .walk import Flow, Getting, Held, Walk

TYPE = "oauth-authz-req+jwt"
REDIRECT = (302, 303)


def get(to: Walk) -> Getting:
    key = Key()
    to.tell("The app makes a key. It registers the public half, and never gives away the private one.")
    title = "The app registers itself, and says that it will always sign."
    registered = yield from register(
        to,
        title,
        client_name="Pocket bank",
        token_endpoint_auth_method="none",
        jwks={"keys": [key.public]},
        request_object_signing_alg=ALGORITHM,
        require_signed_request_object=True,
    )
    return (yield from approve(to, untick="weather:write", client_id=registered["client_id"], through=signing(key)))


def signing(key: Key) -> Through:
    """Return the way of a request that is signed with this key."""

    def sign(to: Walk, query: dict[str, str]) -> Brought:
        yield from ()
        signed = signed_request(to, key, query)
        to.tell("The app writes all that it asks for into a JWT, and signs it:", *read_jwt(signed), is_open=True)
        return {"client_id": query["client_id"], "request": signed}

    return sign


def signed_request(to: Walk, key: Key, query: dict[str, str]) -> str:
    return key.sign(key.statement(to.url, query["client_id"], **query), typ=TYPE)


def refusals(to: Walk, held: Held) -> Flow:
    query = {
        "response_type": "code",
        "client_id": held.client_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read",
        **pkce("the app's verifier"),
    }
    step = browse(
        to, "The same request without a signature. The app has said that it always signs.", query, expect=REDIRECT
    )
    answer = yield step
    to.check("error=invalid_request" in answer.headers["Location"], "the app is told that it must")

    forged = signed_request(to, Key(), query)
    title = "Somebody else signs a request in the app's name."
    answer = yield browse(to, title, {"client_id": held.client_id, "request": forged}, expect=400)
    to.check(
        answer.json["error"] == "invalid_request_object", "the signature isn't the app's: no browser is sent anywhere"
    )

    unsigned = f"{encoded(json.dumps({'alg': 'none'}))}.{forged.split('.')[1]}."
    title = "Or says that it needs no signature."
    answer = yield browse(to, title, {"client_id": held.client_id, "request": unsigned}, expect=400)
    to.check(answer.json["error"] == "invalid_request_object", "the answer is the same")


def browse(to: Walk, title: str, query: dict[str, str], *, expect: int | tuple[int, ...]) -> Step:
    """Prepare what a browser would send, without one."""
    return to.request(title, "GET", f"/oauth/authorize?{urlencode(query)}", expect=expect)
