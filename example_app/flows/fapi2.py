"""All of it together, as banks ask for it: FAPI 2.0, with a pushed request, a client's own key twice, and a bound token."""

from __future__ import annotations

from functools import partial

from .approval import approve
from .dpop import theft
from .jar import REDIRECT, browse
from .keys import Key
from .par import push
from .strangers import register
from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    own, proving = Key(), Key()
    to.tell("The app makes two keys: one says who it is, in place of a secret, and to the other its tokens are bound.")
    title = "The app registers itself, and holds itself to FAPI 2.0's rules. (OAUTH_PROFILE = 'fapi2' holds everybody to them.)"
    registered = yield from register(
        to,
        title,
        client_name="Pocket bank",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [own.public]},
        require_pushed_authorization_requests=True,
        dpop_bound_access_tokens=True,
    )
    client_id = registered["client_id"]
    credentials = partial(own.credentials, to.url, client_id)
    held = yield from approve(
        to,
        untick="weather:write",
        client_id=client_id,
        through=partial(push, credentials=credentials),
        key=proving,
        credentials=credentials,
        dpop_jkt=proving.thumbprint,
    )
    yield from theft(to, held, proving)
    return held


def refusals(to: Walk, held: Held) -> Flow:
    query = {
        "response_type": "code",
        "client_id": held.client_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read",
    }
    title = "A request that comes with the browser: this app hands it over, or it isn't this app."
    answer = yield browse(to, title, query, expect=REDIRECT)
    to.check("error=invalid_request" in answer.headers["Location"], "the app is told that it must")
    form = {"grant_type": "refresh_token", "refresh_token": held.answer["refresh_token"], "client_id": held.client_id}
    title = "Without the first key nobody is this app."
    answer = yield to.request(title, "POST", "/oauth/token", form=form, expect=401)
    to.check(answer.json["error"] == "invalid_client", "there is no secret that could be guessed")
