"""Which `id_token_hint` is believed, and which is as good as none."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauth_gateway.crypto.jose import sign
from tests.support.app import server_of
from tests.support.logout import (
    AFTER,
    AFTERS,
    BAD_HINT,
    NOT_REGISTERED,
    arrival,
    ask,
    goodbye,
    press,
    question,
    with_logout,
    wrong,
)
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Site


def changed(token: str, claims: dict[str, Any] | None = None, **header: Any) -> str:
    """The token with another header and other claims, under its old signature."""
    parts = token.split(".")
    known = [json.loads(urlsafe_b64decode(part + "==")) for part in parts[:2]]
    made = (known[0] | header, known[1] | (claims or {}))
    texts = [json.dumps({name: value for name, value in each.items() if value is not None}) for each in made]
    return ".".join([*(urlsafe_b64encode(text.encode()).rstrip(b"=").decode() for text in texts), parts[2]])


def of_our_key(site: Site, token: str, typ: str | None = None, **claims: Any) -> str:
    """A JWT with the claims of an ID token, changed, that the server's own key signed; a claim that is `None` is left out."""
    kid = json.loads(urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))["kid"]
    key = server_of(site.app).key_ring.find(kid)
    known = json.loads(urlsafe_b64decode(token.split(".")[1] + "==")) | claims
    header = {"alg": key.algorithm, "kid": kid, **({} if typ is None else {"typ": typ})}
    return sign(header, {name: value for name, value in known.items() if value is not None}, key.key)


@pytest.mark.parametrize(
    "make",
    [
        lambda *_: "junk",
        lambda *_: "a.b.c",
        lambda *_: "x" * 100_000,
        lambda _, token: f"{token.rpartition('.')[0]}.",
        lambda _, token: changed(token, alg="none"),
        lambda _, token: changed(token, alg="none", kid=None),
        lambda _, token: changed(token, kid=None),
        lambda _, token: changed(token, kid="another"),
        lambda _, token: changed(token, kid=7),
        lambda _, token: changed(token, alg="HS256"),
        lambda _, token: changed(token, {"sub": "bob"}),
        lambda site, token: of_our_key(site, token, iss="https://elsewhere.example"),
        lambda site, token: of_our_key(site, token, exp=None),
        lambda site, token: of_our_key(site, token, typ="at+jwt"),
        lambda site, token: of_our_key(site, token, typ="logout+jwt"),
        lambda site, token: of_our_key(site, token, events={}),
        lambda site, token: of_our_key(site, token, aud=["a", "b"]),
        lambda site, token: of_our_key(site, token, aud=None),
        lambda site, token: of_our_key(site, token, sub=None),
        lambda site, token: of_our_key(site, token, sub=7),
    ],
)
def test_a_hint_that_is_no_id_token_of_ours(
    party: RelyingParty, site: Site, hint: str, make: Callable[[Site, str], str]
) -> None:
    asked = {"id_token_hint": make(site, hint), "client_id": party.client.client_id, "post_logout_redirect_uri": AFTER}
    wrong(site, ask(site, post=True, **asked), BAD_HINT)


def test_a_hint_with_another_sid_or_none_is_a_question(site: Site, hint: str) -> None:
    for sid in ("another", "", None, 7, ["x"], "x" * 5000, "\0"):
        made = of_our_key(site, hint, sid=sid)
        assert "Weather app" in question(site, ask(site, post=True, id_token_hint=made)), sid
    assert ask(site, id_token_hint=of_our_key(site, hint)).status_code == 200
    assert site.person is None


def test_an_access_token_is_no_hint(make_party: MakeParty) -> None:
    party = make_party({"post_logout_redirect_uris": AFTERS}, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    site = with_logout(party.site)
    party.sign_in()
    wrong(site, ask(site, id_token_hint=party.tokens["access_token"], post_logout_redirect_uri=AFTER), BAD_HINT)


def test_a_hint_whose_key_was_retired_is_as_good_as_none(party: RelyingParty, site: Site, hint: str) -> None:
    kid = json.loads(urlsafe_b64decode(hint.split(".", maxsplit=1)[0] + "=="))["kid"]
    server_of(site.app).key_ring.retire(kid)
    question(site, ask(site, id_token_hint=hint))
    assert NOT_REGISTERED in question(site, ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER), 400)
    named = ask(site, id_token_hint=hint, client_id=party.client.client_id, post_logout_redirect_uri=AFTER)
    question(site, named)
    assert arrival(press(site, named)) == {}
    site.person = None
    again = ask(site, id_token_hint=hint, client_id=party.client.client_id, post_logout_redirect_uri=AFTER)
    assert "Weather app" in goodbye(site, again)


def test_a_pairwise_client_signs_its_user_out(make_party: MakeParty) -> None:
    party = make_party(
        {"post_logout_redirect_uris": AFTERS, "subject_type": "pairwise"},
        OAUTH_SUBJECT_TYPES=["public", "pairwise"],
        OAUTH_PAIRWISE_SALT="a long random text of the operator's",
    )
    site = with_logout(party.site)
    assert party.sign_in()["sub"] != "alice"
    hint = party.tokens["id_token"]
    site.person = "bob"
    question(site, ask(site, id_token_hint=hint))
    site.person = "alice"
    assert arrival(ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)) == {}
    assert site.person is None
