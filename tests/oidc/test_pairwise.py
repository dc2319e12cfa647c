"""Pairwise subjects: two sites can't tell by a user's name that it is the same person (OIDC Core section 8)."""

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import bearer, server_of
from tests.support.clock import Clock
from tests.support.device import decide
from tests.support.key_server import KeyServer, key_server
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import DEVICE_CODE, REDIRECT_URI, Page, Person, answer, location, split
from tests.support.statements import statements_of
from tests.support.stored import database_of

SALT = "a long random text that is kept for good"
PAIRWISE: dict[str, Any] = {"OAUTH_SUBJECT_TYPES": ("public", "pairwise"), "OAUTH_PAIRWISE_SALT": SALT}
OTHER = "https://other.example/cb"
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
FORMATS = ["opaque", "jwt"]


@pytest.fixture(params=FORMATS)
def party(request: pytest.FixtureRequest, make_party: MakeParty) -> RelyingParty:
    """A program that knows users by names of its own."""
    config = {"OAUTH_ACCESS_TOKEN_FORMAT": request.param, "OAUTH_FORWARD_AUTH": True, "OAUTH_LOGIN_URL": "/login"}
    return make_party({"subject_type": "pairwise"}, **PAIRWISE, **config)


@pytest.fixture
def documents() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_each_sector_has_another_name_for_a_user_and_always_the_same(party: RelyingParty) -> None:
    first = party.sign_in()["sub"]
    assert SHAPE.fullmatch(first)
    assert party.sign_in()["sub"] == first
    assert RelyingParty(party.site, subject_type="pairwise").sign_in()["sub"] == first, "the same host"
    elsewhere = RelyingParty(party.site, subject_type="pairwise", redirect_uris=[OTHER])
    place = party.site.approve(elsewhere.client, scope="openid", redirect_uri=OTHER)
    other = party.site.redeem(elsewhere.client, answer(place, OTHER)["code"], redirect_uri=OTHER).get_json()
    assert SHAPE.fullmatch(elsewhere.read(other["id_token"])["sub"])
    assert elsewhere.read(other["id_token"])["sub"] != first
    assert RelyingParty(party.site).sign_in()["sub"] == "alice", "public where nothing else is registered"
    party.site.person = "bob"
    assert party.sign_in()["sub"] not in (first, "bob")


def test_everybody_but_the_app_is_told_the_client_s_name(party: RelyingParty) -> None:
    sub = party.sign_in(scope="openid weather:read")["sub"]
    token = party.tokens["access_token"]
    assert party.userinfo().get_json()["sub"] == sub
    assert party.site.post(party.client, "/oauth/introspect", token=token).get_json()["sub"] == sub
    refresh = party.site.post(party.client, "/oauth/introspect", token=party.tokens["refresh_token"])
    assert refresh.get_json()["sub"] == sub
    api = party.site.register(grant_types=[], redirect_uris=[], resource_server=True)
    assert party.site.post(api, "/oauth/introspect", token=token).get_json()["sub"] == sub, "the token's client's"
    browser = party.site.app.test_client()
    assert browser.get("/oauth/tokeninfo", headers=bearer(token)).get_json()["user_id"] == sub
    assert browser.get("/oauth/verify", headers=bearer(token)).headers["X-Auth-Subject"] == sub
    assert party.site.me(token) == {
        "client": party.client.client_id,
        "subject": "alice",
        "scope": "openid weather:read",
        "grant_type": "authorization_code",
        "user": "Alice",
    }
    if token.startswith("eyJ"):
        claims = payload(token)
        assert claims["sub"] == sub
        assert "alice" not in json.dumps(claims)
    assert party.read(party.refresh()["id_token"])["sub"] == sub
    assert party.site.me(party.tokens["access_token"])["subject"] == "alice"  # type: ignore[index]


def test_two_tokens_of_a_user_hide_who_it_is_in_different_ways(make_party: MakeParty) -> None:
    party = make_party({"subject_type": "pairwise"}, **PAIRWISE, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    sealed = []
    for person in ("alice", "alice", "bob"):
        party.site.person = person
        party.sign_in()
        sealed.append(payload(party.tokens["access_token"])["sealed_sub"])
    assert len(set(sealed)) == 3
    assert len({len(each) for each in sealed}) == 1


def test_what_was_revoked_before_is_told_to_nobody(make_party: MakeParty) -> None:
    """Two clients would find the same number in the tokens of one user."""
    party = make_party({"subject_type": "pairwise"}, **PAIRWISE, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    party.sign_in()
    before = party.tokens["access_token"]
    party.site.gateway.tokens.revoke(subject="alice")
    party.sign_in()
    assert not party.site.is_live(before)
    assert party.site.is_live(party.tokens["access_token"])
    assert "revocations" not in payload(party.tokens["access_token"])
    party.site.gateway.tokens.revoke(subject="alice")
    assert not party.site.is_live(party.tokens["access_token"])


@pytest.mark.parametrize("person", ["3f0f9d5e-1111-2222-3333-444455556666", "\u30a2\u30ea\u30b9" * 14, "a" * 128])
def test_the_length_of_what_is_sealed_tells_nothing(make_party: MakeParty, person: str) -> None:
    """Not how long the app's own name is, and not what was revoked: two clients would know who of their users are the same."""
    party = make_party({"subject_type": "pairwise"}, **PAIRWISE, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    party.site.people[person] = Person(person)
    client_id, tokens = party.client.client_id, party.site.gateway.tokens
    lengths = []
    for name in ("bob", person):
        party.site.person = name
        party.sign_in()
        lengths.append(len(payload(party.tokens["access_token"])["sealed_sub"]))
    for revoked in ({"client_id": client_id}, {"subject": person}, {"client_id": client_id, "subject": person}):
        tokens.revoke(**revoked)
        party.sign_in()
        lengths.append(len(payload(party.tokens["access_token"])["sealed_sub"]))
        assert party.site.me(party.tokens["access_token"])["subject"] == person  # type: ignore[index]
    assert len(set(lengths)) == 1


def test_another_app_that_checks_our_tokens_sees_the_client_s_name(make_party: MakeParty) -> None:
    party = make_party({"subject_type": "pairwise"}, **PAIRWISE, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    sub = party.sign_in()["sub"]
    keys = party.site.app.test_client().get("/oauth/jwks").get_json()
    api = Flask("api")
    api.config["OAUTH_TRUSTED_TOKEN_ISSUERS"] = {"http://localhost": {"jwks": keys, "audience": "http://localhost"}}
    OAuthGateway(api, resource_server=True)

    @api.get("/who")
    @require_token
    def who() -> dict[str, Any]:
        return {"subject": current_token.subject, "claims": current_token.claims}

    found = api.test_client().get("/who", headers=bearer(party.tokens["access_token"]))
    assert found.status_code == 200, found.text
    assert found.get_json()["subject"] == sub
    assert "alice" not in found.text


def test_a_token_of_before_the_secret_key_was_changed_tells_of_nobody(make_party: MakeParty) -> None:
    party = make_party({"subject_type": "pairwise"}, **PAIRWISE, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    party.sign_in()
    token = party.tokens["access_token"]
    kept = party.site.app.config["SECRET_KEY"]
    party.site.app.config.update(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[kept])
    assert server_of(party.site.app).own_tokens.find_jwt(token).subject == "alice"
    party.site.app.config.update(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[])
    assert server_of(party.site.app).own_tokens.find_jwt(token) is None


def test_the_app_revokes_by_its_own_name(party: RelyingParty) -> None:
    sub = party.sign_in()["sub"]
    assert party.site.gateway.tokens.revoke(subject=sub) == 0
    assert party.site.is_live(party.tokens["access_token"])
    party.site.gateway.tokens.revoke(subject="alice")
    assert not party.site.is_live(party.tokens["access_token"])


@pytest.mark.parametrize("subject_type", ["pairwise", "public"])
def test_a_remembered_token_of_a_client_that_is_gone_is_never_one_without_a_user(
    make_party: MakeParty, clock: Clock, subject_type: str
) -> None:
    config = {"OAUTH_TOKEN_CACHE_SECONDS": 60, "OAUTH_FORWARD_AUTH": True}
    here, there = (make_party({"subject_type": subject_type}, **PAIRWISE, **config) for _ in range(2))
    here.sign_in()
    token = here.tokens["access_token"]
    browser = here.site.app.test_client()
    assert browser.get("/oauth/verify", headers=bearer(token)).headers["X-Auth-Subject"]
    there.site.gateway.clients.delete(here.client.client_id)
    clock.advance(6)
    refused = browser.get("/oauth/verify", headers=bearer(token))
    assert (refused.status_code, refused.headers.get("X-Auth-Subject")) == (401, None)
    assert browser.get("/oauth/tokeninfo", headers=bearer(token)).get_json()["error"] == "invalid_token"
    api = here.site.register(grant_types=[], redirect_uris=[], resource_server=True)
    assert here.site.post(api, "/oauth/introspect", token=token).get_json() == {"active": False}


def test_a_client_revokes_its_token(party: RelyingParty) -> None:
    party.sign_in()
    assert party.site.post(party.client, "/oauth/revoke", token=party.tokens["access_token"]).status_code == 200
    assert not party.site.is_live(party.tokens["access_token"])


def test_a_hint_is_of_this_user_or_of_another(party: RelyingParty) -> None:
    party.sign_in()
    hint = party.tokens["id_token"]
    assert "code" in answer(party.site.approve(party.client, scope="openid", prompt="none", id_token_hint=hint))
    party.site.person = "bob"
    silent = answer(party.site.approve(party.client, scope="openid", prompt="none", id_token_hint=hint))
    assert silent["error"] == "login_required"
    response = party.site.ask(party.client, scope="openid", id_token_hint=hint)
    path, sent = split(response.location)
    assert path == "/login"
    party.site.person = "alice"
    assert "code" in answer(location(party.site.browser.get(sent["next"])))


def test_the_login_is_not_told_a_name_that_the_app_does_not_know(party: RelyingParty) -> None:
    hints: list[str | None] = []

    @party.site.gateway.login
    def login(wanted: Any) -> str:
        hints.append(wanted.login_hint)
        return "Sign in"

    party.sign_in()
    hint = party.tokens["id_token"]
    party.site.person = None
    party.site.ask(party.client, scope="openid", id_token_hint=hint)
    party.site.ask(party.client, scope="openid", id_token_hint=hint, login_hint="alice@example.com")
    assert hints == [None, "alice@example.com"]


def test_a_sub_that_is_asked_for_is_the_client_s_name(party: RelyingParty) -> None:
    sub = party.sign_in()["sub"]
    for value, fits in ((sub, True), ("alice", False), ("x" * 43, False)):
        claims = json.dumps({"id_token": {"sub": {"value": value}}})
        found = answer(party.site.approve(party.client, scope="openid", claims=claims, prompt="none"))
        assert ("code" in found) == fits
        assert fits or found["error"] == "login_required"


def test_a_device_and_the_authorize_endpoint_tell_the_same_name(make_party: MakeParty) -> None:
    grants = ["authorization_code", "implicit", DEVICE_CODE]
    party = make_party({"subject_type": "pairwise", "grant_types": grants}, **PAIRWISE)
    sub = party.sign_in()["sub"]
    asked = party.site.post(party.client, "/oauth/device_authorization", scope="openid email").get_json()
    decide(party.site, asked["user_code"])
    data = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    tokens = party.site.post(party.client, "/oauth/token", **data).get_json()
    assert party.read(tokens["id_token"])["sub"] == sub
    place = party.site.approve(party.client, scope="openid", nonce="n", response_type="code id_token")
    assert party.read(answer(place, part="fragment")["id_token"])["sub"] == sub


def test_it_costs_no_statement(make_party: MakeParty, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()  # it stands still: what is known for some seconds is so to the end
    monkeypatch.setattr(time, "monotonic", lambda: now)
    public = make_party(**PAIRWISE)
    engine = database_of(public.site.app).engine
    counts = []
    for party in 2 * (public, RelyingParty(public.site, subject_type="pairwise")):
        code = party.site.code(party.client, scope="openid weather:read")
        with statements_of(engine) as statements:
            party.tokens = party.trade(code)
            party.userinfo()
            party.site.me(party.tokens["access_token"])
        counts.append(len(statements))
    assert counts[2] == counts[3]


# Registration


def test_a_client_without_a_choice_has_the_first_that_is_on(make_party: MakeParty) -> None:
    party = make_party(OAUTH_SUBJECT_TYPES="pairwise", OAUTH_PAIRWISE_SALT=SALT)
    assert SHAPE.fullmatch(party.sign_in()["sub"])
    with pytest.raises(ValueError, match="OAUTH_SUBJECT_TYPES offers pairwise"):
        party.site.register(subject_type="public")


def test_it_needs_its_own_salt(make_party: MakeParty) -> None:
    for salt in (None, ""):
        with pytest.raises(ValueError, match="OAUTH_PAIRWISE_SALT"):
            make_party(OAUTH_SUBJECT_TYPES=["pairwise"], OAUTH_PAIRWISE_SALT=salt)
    with pytest.raises(ValueError, match="OAUTH_OIDC"):
        make_party(**PAIRWISE, OAUTH_OIDC=False)


def test_another_salt_gives_other_names(make_party: MakeParty) -> None:
    names = {
        make_party({"subject_type": "pairwise"}, **PAIRWISE | {"OAUTH_PAIRWISE_SALT": s}).sign_in()["sub"] for s in "ab"
    }
    assert len(names) == 2


@pytest.mark.parametrize("subject_type", ["private", "", 5, None])
def test_what_is_no_subject_type_is_refused(make_party: MakeParty, subject_type: Any) -> None:
    party = make_party(**PAIRWISE)
    if subject_type is None:
        assert party.site.register(subject_type=None).subject_type is None
        return
    with pytest.raises(ValueError, match="subject_type"):
        party.site.register(subject_type=subject_type)


def test_several_hosts_need_a_sector(make_party: MakeParty) -> None:
    party = make_party(**PAIRWISE)
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.register(subject_type="pairwise", redirect_uris=[REDIRECT_URI, OTHER])
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.register(subject_type="pairwise", redirect_uris=[REDIRECT_URI, "com.example.app:/cb"])
    client = party.site.register(subject_type="pairwise", redirect_uris=[REDIRECT_URI, "https://APP.example:8443/cb"])
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.gateway.clients.update(client.client_id, redirect_uris=[REDIRECT_URI, OTHER])
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.register(subject_type="pairwise", redirect_uris=["HTTPS://one.example/cb", "HTTPS://two.example/cb"])
    party.site.register(redirect_uris=[REDIRECT_URI, OTHER])


def test_nobody_joins_a_sector_without_being_named_there(make_party: MakeParty, documents: KeyServer) -> None:
    party = make_party(**PAIRWISE)
    documents.says = [REDIRECT_URI]
    more = {"grant_types": [DEVICE_CODE], "redirect_uris": [], "sector_identifier_uri": documents.url}
    with pytest.raises(ValueError, match="sector_identifier_uri needs redirect_uris"):
        party.site.register(subject_type="pairwise", **more)
    assert documents.requests == []


@pytest.mark.parametrize("uris", [["http://127.0.0.1/cb"], ["http://localhost/cb", "com.example.app:/cb"], []])
def test_apps_without_a_host_of_their_own_share_no_name(make_party: MakeParty, uris: list[str]) -> None:
    party = make_party(**PAIRWISE)
    subjects = server_of(party.site.app).openid.subjects
    more = {"grant_types": ["authorization_code"] if uris else [DEVICE_CODE], "redirect_uris": uris}
    names = {subjects.of(party.site.register(subject_type="pairwise", **more), "alice") for _ in range(2)}
    assert len(names) == 2


def test_the_document_of_a_sector_joins_hosts(make_party: MakeParty, documents: KeyServer) -> None:
    party = make_party(**PAIRWISE)
    documents.says = [REDIRECT_URI, OTHER, "https://more.example/"]
    metadata = {"subject_type": "pairwise", "sector_identifier_uri": documents.url}
    joined = RelyingParty(party.site, redirect_uris=[REDIRECT_URI, OTHER], **metadata)
    assert len(documents.requests) == 1
    assert joined.sign_in(redirect_uri=REDIRECT_URI)["sub"] == RelyingParty(party.site, **metadata).sign_in()["sub"]
    assert len(documents.requests) == 2
    clients = party.site.gateway.clients
    clients.update(joined.client.client_id, client_name="Another name")
    assert len(documents.requests) == 2, "nothing of it changed"
    with pytest.raises(ValueError, match=r"does not name .*third\.example"):
        clients.update(joined.client.client_id, redirect_uris=["https://third.example/cb"])
    assert clients.get(joined.client.client_id).redirect_uris == [REDIRECT_URI, OTHER]  # type: ignore[union-attr]
    documents.says = [REDIRECT_URI]
    with pytest.raises(ValueError, match=r"does not name .*other\.example"):
        clients.update(joined.client.client_id, redirect_uris=[OTHER])


@pytest.mark.parametrize(
    "says",
    [
        [],
        [OTHER],
        {"redirect_uris": [REDIRECT_URI]},
        REDIRECT_URI,
        b"junk",
        b"[" * 9000,
        [REDIRECT_URI, 5],
        b"x" * 70000,
    ],
)
def test_a_document_that_does_not_name_them_is_refused(make_party: MakeParty, documents: KeyServer, says: Any) -> None:
    party = make_party(**PAIRWISE)
    documents.says = says
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.register(subject_type="pairwise", sector_identifier_uri=documents.url)


@pytest.mark.parametrize(
    "url", ["http://app.example/s", "https://app.example/s#x", "app.example", "javascript:x", 5, "https://10.0.0.1/s"]
)
def test_the_document_is_fetched_by_https_from_the_public_net_alone(make_party: MakeParty, url: Any) -> None:
    party = make_party(**PAIRWISE)
    with pytest.raises(ValueError, match="sector_identifier_uri"):
        party.site.register(subject_type="pairwise", sector_identifier_uri=url)


def test_no_redirect_is_followed(make_party: MakeParty, documents: KeyServer) -> None:
    party = make_party(**PAIRWISE)
    documents.status, documents.headers = 302, {"Location": "/elsewhere"}
    with pytest.raises(ValueError, match="302"):
        party.site.register(subject_type="pairwise", sector_identifier_uri=documents.url)
    assert len(documents.requests) == 1


def test_the_metadata_name_what_is_on(make_party: MakeParty) -> None:
    document = "/.well-known/openid-configuration"
    assert make_party().site.app.test_client().get(document).get_json()["subject_types_supported"] == ["public"]
    found = make_party(**PAIRWISE).site.app.test_client().get(document).get_json()
    assert found["subject_types_supported"] == ["public", "pairwise"]


def test_a_consent_page_knows_its_user_all_the_same(party: RelyingParty) -> None:
    response = party.site.ask(party.client, scope="openid email")
    assert location(party.site.send(Page(response))).startswith(REDIRECT_URI)
