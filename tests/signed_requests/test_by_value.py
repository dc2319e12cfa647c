"""The parameter `request` at the authorize endpoint: who signed it, for whom and when, and what of it counts."""

import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from flask_oauth_gateway.signals import authorization_granted
from tests.support.app import recorded
from tests.support.clock import Clock
from tests.support.key_server import key_server
from tests.support.request_objects import OTHER_URI, MakeSigning, Signing
from tests.support.signing import Signer, claims_of, rsa_key, token
from tests.support.site import ISSUER, REDIRECT_URI, MakeSite, Page, answer, granted, location, refused

HOUR = 3600


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS256", "PS256", "PS512", "EdDSA"])
def test_a_code_comes_of_a_request_signed_by_a_key_of_the_client(make_signing: MakeSigning, algorithm: str) -> None:
    signing = make_signing(Signer(algorithm))
    found = signing.answer(signing.ask())
    assert found["state"] == "xyz"
    assert granted(signing.site.redeem(signing.client, found["code"]))["scope"]


def test_another_library_signs_it_too(make_signing: MakeSigning) -> None:
    key = ECKey.generate_key("P-256", {"kid": "j1"})
    signing = make_signing(client={"jwks": {"keys": [key.as_dict(private=False)]}})
    for header in ({"alg": "ES256", "kid": "j1", "typ": "oauth-authz-req+jwt"}, {"alg": "ES256"}):
        assert signing.code(jwt.encode(header, signing.says(), key))


def test_the_key_may_be_in_a_certificate_or_at_a_url(make_signing: MakeSigning) -> None:
    signer = Signer("PS256", key=rsa_key())
    assert make_signing(signer, client={"certificate": signer.certificate()}).code()
    with key_server() as server:
        server.says = signer.jwks()
        signing = make_signing(signer, client={"jwks_uri": server.url})
        assert signing.code()
        signing.signer = Signer()
        assert "no key" in signing.refused(signing.sign())


def test_a_secret_of_the_client_signs_it_where_it_is_kept_for_that(make_signing: MakeSigning) -> None:
    methods = ["client_secret_jwt", "client_secret_basic"]
    signing = make_signing(
        client={"token_endpoint_auth_method": "client_secret_jwt"}, OAUTH_CLIENT_AUTH_METHODS=methods
    )
    secret = signing.client.client_secret
    signing.signer = Signer("HS256", kid=None, key=secret.encode())
    assert signing.code()
    for algorithm in ("HS384", "HS512"):
        assert "no key" in signing.refused(Signer(algorithm, kid=None, key=secret.encode()).sign(signing.says()))
    new = signing.site.gateway.clients.rotate_secret(signing.client.client_id).client_secret
    assert "live secret" in signing.refused(signing.sign())
    assert signing.code(Signer("HS256", kid=None, key=new.encode()).sign(signing.says()))
    # A hashed secret is no key, and a public key no secret.
    plain = Signing(signing.site)
    for key in (plain.client.client_secret.encode(), plain.signer.pem().encode(), b""):
        assert "live secret" in plain.refused(Signer("HS256", kid=None, key=key).sign(plain.says()))


def test_where_no_secrets_sign_none_does(make_signing: MakeSigning) -> None:
    on = make_signing(
        client={"token_endpoint_auth_method": "client_secret_jwt"}, OAUTH_CLIENT_AUTH_METHODS=["client_secret_jwt"]
    )
    off = make_signing(
        OAUTH_DATABASE_URI=on.site.app.config["OAUTH_DATABASE_URI"], OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic"]
    )
    signer = Signer("HS256", kid=None, key=on.client.client_secret.encode())
    said = off.site.browser.get("/.well-known/oauth-authorization-server").get_json()
    assert "HS256" not in said["request_object_signing_alg_values_supported"]
    off.client = on.client
    assert on.code(signer.sign(on.says()))
    assert "live secret" in off.refused(signer.sign(on.says()))


def test_secrets_are_not_guessed_without_end(make_signing: MakeSigning) -> None:
    signing = make_signing(
        client={
            "token_endpoint_auth_method": "client_secret_jwt",
            "client_secret": "a-secret-that-a-person-has-chosen-1",
        },
        OAUTH_CLIENT_AUTH_METHODS=["client_secret_jwt"],
        OAUTH_RATE_LIMITS={"token_failures": "5/minute"},
    )
    wrong = Signer("HS256", kid=None)
    statuses = [signing.ask(wrong.sign(signing.says())).status_code for _ in range(7)]
    assert statuses == [400] * 5 + [429] * 2
    right = Signer("HS256", kid=None, key=signing.client.client_secret.encode())
    assert signing.ask(right.sign(signing.says())).status_code == 429


def test_nobody_else_signs_it(signing: Signing) -> None:
    other = Signing(signing.site)
    assert "signature is wrong" in signing.refused(other.signer.sign(signing.says()))
    assert "signature is wrong" in signing.refused(other.sign())
    # With the other client's key, for the other client, under this one's name and the other way round.
    assert "its iss is not the client_id" in signing.refused(signing.sign(iss=other.client.client_id))
    assert "its client_id is not" in signing.refused(signing.sign(client_id=other.client.client_id))
    assert "signature is wrong" in other.refused(signing.sign())


def test_one_that_is_not_signed_is_refused(signing: Signing) -> None:
    says = signing.says()
    for header in ({"alg": "none"}, {"alg": "None", "typ": "JWT"}, {"alg": "nOnE"}):
        unsigned = token(header, says, lambda _: b"")
        assert signing.refused(unsigned)
        assert signing.refused(unsigned.rstrip(".") + ".AAAA")
    for text in (
        "",
        ".",
        "..",
        "a.b.c",
        "x" * 200,
        "null",
        "{}",
        signing.sign() + ".x",
        signing.sign().replace(".", ""),
    ):
        if text:
            assert signing.refused(text)
    assert "no proper alg" in signing.refused(signing.signer.sign(says, alg=5))
    for more in ({"crit": ["exp"]}, {"b64": False}):
        assert "extension" in signing.refused(signing.signer.sign(says, **more))


@pytest.mark.parametrize(
    "typ", ["oauth-authz-req+jwt", "OAuth-Authz-Req+JWT", "application/oauth-authz-req+jwt", "JWT", "jwt", None]
)
def test_its_type_is_that_of_a_request_or_none_in_particular(signing: Signing, typ: str | None) -> None:
    assert signing.code(signing.sign({"typ": typ}))


def test_another_kind_of_token_is_no_request(signing: Signing) -> None:
    kinds = (
        "client-authentication+jwt", "at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "authorization-grant+jwt",
        "oauth-id-jag+jwt", "token-introspection+jwt", "secevent+jwt", "", 5, ["JWT"],
    )  # fmt: skip
    for kind in kinds:
        assert "another kind of token" in signing.refused(signing.sign({"typ": kind}))
    client_id = signing.client.client_id
    assert "as in a client assertion" in signing.refused(signing.sign({"typ": None}, sub=client_id))
    assertion = signing.signer.sign(claims_of(client_id, ISSUER, sub=client_id), typ=None)
    assert "its client_id is not" in signing.refused(assertion)
    grant = signing.signer.sign(claims_of(client_id, ISSUER), typ="JWT")
    assert "its client_id is not" in signing.refused(grant)
    assert signing.code(signing.sign(sub="somebody-else"))


def test_it_is_for_this_server(signing: Signing) -> None:
    assert signing.code(signing.sign(aud=[ISSUER, "https://other.example"]))
    assert signing.code(signing.sign(aud=["https://other.example", ISSUER]))
    for aud in (
        "https://other.example",
        f"{ISSUER}/",
        f"{ISSUER}/oauth/token",
        [],
        ["x"],
        [ISSUER, 5],
        {},
        5,
        "",
        None,
    ):
        assert "its aud" in signing.refused(signing.sign(aud=aud))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": None}, "its iss"),
        ({"iss": ["x"]}, "its iss"),
        ({"client_id": None}, "its client_id"),
        ({"client_id": 5}, "its client_id"),
        ({"exp": None}, "when it expires"),
        ({"exp": "soon"}, "its exp"),
        ({"exp": "9999999999"}, "its exp"),
        ({"exp": True}, "its exp"),
        ({"exp": -1}, "its exp"),
        ({"nbf": "now"}, "its nbf"),
        ({"iat": [1]}, "its iat"),
        ({"jti": 5}, "its jti"),
        ({"jti": ""}, "its jti"),
        ({"jti": "x" * 2048}, "its jti"),
        ({"jti": "a\nb"}, "its jti"),
        ({"request": "a.b.c"}, "another request"),
        ({"state": 5}, "its 'state'"),
        ({"scope": ["weather:read"]}, "its 'scope'"),
        ({"scope": {}}, "its 'scope'"),
        ({"redirect_uri": [REDIRECT_URI]}, "its 'redirect_uri'"),
        ({"max_age": True}, "its 'max_age'"),
        ({"max_age": 1.5}, "its 'max_age'"),
        ({"max_age": [1]}, "its 'max_age'"),
        ({"nonce": False}, "its 'nonce'"),
        ({"claims": 5}, "its 'claims'"),
        ({"resource": 5}, "its 'resource'"),
        ({"resource": ["https://a.example", 5]}, "its 'resource'"),
        ({"whatever": {"a": 1}}, "its 'whatever'"),
        ({"state": "a\x00b"}, "control character"),
        ({f"p{number}": "x" for number in range(200)}, "more than 100"),
    ],
)
def test_what_it_must_not_say(signing: Signing, changes: dict[str, Any], why: str) -> None:
    assert why in signing.refused(signing.sign(**changes))


def test_a_member_that_is_null_or_stands_twice_is_refused(signing: Signing) -> None:
    says = signing.says()
    for changes in ({"state": None}, {"claims": None}, {"request": None}, {"request_uri": None}, {"aud": None}):
        assert signing.refused(signing.signer.sign(says | changes))
    text = json.dumps(says)
    for more in ('"state": "second"', '"client_id": "other"', '"exp": 9999999999'):
        twice = text[:-1] + "," + more + "}"
        assert "not a JSON object" in signing.refused(signing.signer.sign(twice.encode()))
    for payload in (b"[]", b'"x"', b"{", b"\xff", b"null", b"[" * 20000):
        assert "not a JSON object" in signing.refused(signing.signer.sign(payload))


def test_a_nested_address_is_an_invalid_request(signing: Signing) -> None:
    assert "request_uri" in signing.refused(signing.sign(request_uri="https://app.example/r"), "invalid_request")


def test_it_is_good_for_an_hour_at_most_and_clocks_may_differ_by_a_minute(signing: Signing) -> None:
    now = int(time.time())
    for changes in (
        {"exp": now + HOUR},
        {"exp": now - 50},
        {"nbf": now + 50},
        {"iat": now + 50},
        {"nbf": None, "iat": None},
    ):
        assert signing.code(signing.sign(**changes)), changes
    for changes, why in (
        ({"exp": now + HOUR + 120}, "expires in"),
        ({"exp": now - 70}, "it expired"),
        ({"nbf": now + 90}, "not valid yet"),
        ({"iat": now + 90}, "in the future"),
        ({"exp": 10**11}, "expires in"),
        ({"exp": 10**40}, "its exp"),
    ):
        assert why in signing.refused(signing.sign(**changes)), changes


def test_it_is_at_most_64_kib_long(signing: Signing) -> None:
    assert "64 KiB" in signing.refused(signing.sign(login_hint="x" * 70_000))
    assert "64 KiB" in signing.refused("x" * 66_000)


def test_what_stands_beside_it_does_not_count(make_signing: MakeSigning) -> None:
    signing = make_signing(
        OAUTH_OIDC=True,
        client={"scope": "openid weather:read weather:write", "redirect_uris": [REDIRECT_URI, OTHER_URI]},
    )
    beside = {
        "state": "outside",
        "nonce": "outside",
        "redirect_uri": OTHER_URI,
        "scope": "weather:write",
        "response_type": "token",
        "response_mode": "fragment",
        "prompt": "none",
        "code_challenge": "x" * 43,
        "code_challenge_method": "plain",
        "claims": "no JSON",
        "resource": "https://nowhere.example",
        "max_age": "0",
        "registration": "{}",
    }
    inside = signing.sign(scope="openid weather:read", nonce="inside")
    found = signing.answer(signing.ask(inside, **beside))
    assert found["state"] == "xyz"
    tokens = granted(signing.site.redeem(signing.client, found["code"]))
    assert set(tokens["scope"].split()) == {"openid", "weather:read"}
    # What stands beside it alone isn't there at all.
    found = signing.answer(signing.ask(signing.sign(state=None, scope="weather:read"), **beside))
    assert "state" not in found
    assert signing.refused(signing.sign(redirect_uri=None), "invalid_request", redirect_uri=REDIRECT_URI)
    where = location(signing.ask(signing.sign(response_type=None), response_type="code"))
    assert "response_type" in refused(where, "invalid_request")


def test_it_leads_to_registered_addresses_alone(signing: Signing) -> None:
    assert "not one that is registered" in signing.refused(signing.sign(redirect_uri=OTHER_URI), "invalid_request")
    # A wrong object leads nowhere, whatever it names or has beside it.
    for more in ({}, {"redirect_uri": REDIRECT_URI}, {"redirect_uri": OTHER_URI}):
        assert signing.refused(Signer().sign(signing.says()), **more)
        assert signing.refused(signing.sign(exp=1), **more)


def test_the_client_is_named_beside_it_once_and_is_known(signing: Signing) -> None:
    text = signing.sign()
    assert signing.refused(text, "invalid_request", client_id=None)
    assert signing.refused(text, "invalid_client", client_id="nobody")
    assert "repeated" in signing.refused(text, "invalid_request", client_id=[signing.client.client_id] * 2)
    assert "repeated" in signing.ask(None, request=[text, text]).text
    both = signing.refused(text, "invalid_request", request_uri="https://app.example/r")
    assert "request_uri" in both
    signing.site.gateway.clients.update(signing.client.client_id, enabled=False)
    assert signing.refused(text, "invalid_client")


def test_numbers_lists_and_objects_mean_what_they_mean_in_a_query(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_OIDC=True, client={"scope": "openid weather:read"})
    seen: list[Any] = []

    @signing.site.gateway.login
    def login(request: Any) -> str:
        seen.append(request)
        return "sign in"

    signing.site.person = None
    claims = {"id_token": {"auth_time": {"essential": True}, "name": None}}
    response = signing.ask(signing.sign(scope="openid", max_age=300, claims=claims, login_hint="älice"))
    assert response.text == "sign in"
    assert (seen[0].max_age, seen[0].login_hint) == (300, "älice")
    assert seen[0].client.client_id == signing.client.client_id
    where = location(signing.ask(signing.sign(scope="openid", claims=[1])))
    assert refused(where, "invalid_request")


def test_without_the_setting_it_is_not_supported(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_JAR=False)
    where = location(signing.ask(redirect_uri=REDIRECT_URI, response_type="code"))
    assert refused(where, "request_not_supported")


@pytest.mark.parametrize("how", ["server", "client"])
def test_where_it_is_required_no_other_request_will_do(make_signing: MakeSigning, how: str) -> None:
    server = how == "server"
    signing = make_signing(
        OAUTH_JAR="required" if server else True, client={} if server else {"require_signed_request_object": True}
    )
    assert "not signed" in refused(location(signing.site.ask(signing.client)), "invalid_request")
    assert signing.code()
    other = signing.site.register()
    if server:
        assert refused(location(signing.site.ask(other)), "invalid_request")
    else:
        assert signing.site.code(other)


def test_who_must_sign_must_where_nobody_can(make_signing: MakeSigning, make_site: MakeSite) -> None:
    signing = make_signing(client={"require_signed_request_object": True})
    off = make_site(OAUTH_DATABASE_URI=signing.site.app.config["OAUTH_DATABASE_URI"])
    assert "signed ones alone" in refused(location(off.ask(signing.client)), "invalid_request")


def test_where_it_is_on_a_plain_request_goes_on(signing: Signing) -> None:
    assert signing.site.code(signing.client)


def test_a_client_may_be_registered_for_one_algorithm(make_signing: MakeSigning) -> None:
    first, second = Signer("ES256", kid="a"), Signer("PS256", kid="b")
    jwks = {"keys": [first.jwk(), second.jwk()]}
    signing = make_signing(first, client={"jwks": jwks, "request_object_signing_alg": "ES256"})
    assert signing.code()
    for signer in (second, Signer("RS256", kid="b", key=second.key)):
        assert "ES256 alone" in signing.refused(signer.sign(signing.says()))


def test_a_key_that_was_just_changed_counts_at_once(signing: Signing) -> None:
    assert signing.code()
    new = Signer()
    signing.site.gateway.clients.update(signing.client.client_id, jwks=new.jwks())
    assert signing.refused(signing.sign())
    assert signing.code(new.sign(signing.says()))


def test_the_user_may_take_longer_than_it_is_good_for(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    text = signing.sign(exp=int(time.time()) + 60)
    page = Page(signing.ask(text))
    clock.advance(1200)
    assert signing.refused(text), "whoever comes now is late"
    assert answer(location(signing.site.send(page)))["code"]
    # A sign-in takes its time, too; the page after it leads on.
    seen: list[str] = []

    @signing.site.gateway.login
    def login(request: Any) -> str:
        seen.append(request.return_to)
        return "sign in"

    signing.site.person = None
    assert signing.ask(signing.sign(exp=int(time.time()) + 60, prompt="consent")).text == "sign in"
    clock.advance(1800)
    signing.site.person = "alice"
    page = Page(signing.site.browser.get(seen[0]))
    assert page.action == seen[0].removesuffix("&oauth_relogin=1"), "nothing makes it live longer"
    clock.advance(1200)
    assert answer(location(signing.site.send(page)))["code"]
    clock.advance(700)
    assert "expired" in signing.site.browser.get(seen[0]).text


def test_the_time_of_one_request_is_not_anothers(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    old = signing.sign(exp=int(time.time()) + 60)
    page = Page(signing.ask())
    mark = dict(pair.split("=") for pair in str(page.action).partition("?")[2].split("&"))["oauth_arrived"]
    clock.advance(200)
    assert "expired" in signing.refused(old, oauth_arrived=mark)
    assert "expired" in signing.refused(old, oauth_arrived="x" + mark[1:])
    assert "expired" in signing.refused(old, oauth_arrived=[mark, mark])
    assert signing.code(oauth_arrived="nonsense")


def test_another_account_can_be_chosen(signing: Signing) -> None:
    page = signing.ask()
    link = next(each for each in page.text.split('"') if "oauth_another_account" in each).replace("&amp;", "&")
    seen: list[Any] = []

    @signing.site.gateway.login
    def login(request: Any) -> str:
        seen.append(request.prompt)
        return "sign in"

    assert signing.site.browser.get(link).text == "sign in"
    assert seen == [("select_account",)]


def test_another_account_than_the_hint_names_can_be_chosen_too(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_OIDC=True, client={"scope": "openid weather:read", "skip_consent": True})
    code = signing.code(signing.sign(scope="openid"))
    hint = granted(signing.site.redeem(signing.client, code))["id_token"]
    signing.site.gateway.login(lambda request: " ".join(request.prompt))
    text = signing.sign(scope="openid", id_token_hint=hint)
    signing.site.person = "bob"
    assert signing.ask(text).text == "", "alice is asked for"
    assert signing.ask(text, oauth_another_account="1").text == "select_account"


def test_what_is_told_of_it(signing: Signing) -> None:
    with recorded(authorization_granted, signing.site.app) as told:
        assert signing.code()
    assert [each["client_id"] for each in told] == [signing.client.client_id]


@pytest.mark.parametrize("kind", ["array", "text"])
def test_authorization_details_stand_in_it_as_json_or_as_a_text(make_signing: MakeSigning, kind: str) -> None:
    details = [{"type": "payment", "amount": "5.00", "to": "älice"}]
    types = {"payment": {"allowed": ["amount", "to"]}}
    signing = make_signing(
        client={"authorization_details_types": ["payment"]}, OAUTH_AUTHORIZATION_DETAILS=types, OAUTH_PAR=True
    )
    text = signing.sign(authorization_details=details if kind == "array" else json.dumps(details))
    beside = '[{"type": "payment", "amount": "5000.00"}]'
    tokens = granted(signing.site.redeem(signing.client, signing.code(text, authorization_details=beside)))
    assert tokens["authorization_details"] == details
    wrong = signing.sign(authorization_details={"type": "nothing"})
    assert refused(location(signing.ask(wrong)), "invalid_authorization_details")
