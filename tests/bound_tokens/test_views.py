"""What a view asks of a bound token, what it is told of it, and what a refusal tells its caller."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.config import ConfigurationError
from flask_oauth_gateway.signals import token_rejected
from tests.bound_tokens.places import HOST, PLACES, Places
from tests.support.app import (
    MakeApp,
    basic,
    bearer,
    close_app,
    gateway_of,
    recorded,
    refusal,
    register,
    server_of,
    token_for,
)
from tests.support.certificates import self_signed
from tests.support.clock import Clock
from tests.support.proofs import ProofKey
from tests.support.statements import statements_of

HOLDER, CERTIFICATE = ProofKey(), self_signed("holder")
ON: dict[str, Any] = {"OAUTH_DPOP": True, "OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"}
OWN = {"X-SSL-Client-Cert": CERTIFICATE.escaped}


def bound_to(app: Flask, *kinds: str, **further: Any) -> str:
    """A token for `weather:read` that is bound in these ways."""
    members = {"dpop": ("jkt", HOLDER.thumbprint), "mtls": ("x5t#S256", CERTIFICATE.thumbprint)}
    return Places.mint(app, dict(members[kind] for kind in kinds) or None, scopes=("weather:read",), **further)


def sent(app: Flask, path: str, *kinds: str, **further: Any) -> TestResponse:
    """The answer to a good request with such a token."""
    token = bound_to(app, *kinds, **further)
    headers = HOLDER.with_token(token, "GET", HOST + path) if "dpop" in kinds else bearer(token)
    return app.test_client().get(path, headers=headers | OWN)


def test_a_view_may_ask_for_a_bound_token_or_for_one_kind(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_PROTECT=[{"path": "/ruled", "bound": "mtls"}])
    for name, bound in (("any", True), ("dpop", "dpop"), ("mtls", "mtls")):
        app.add_url_rule(f"/{name}", name, require_token(bound=bound)(lambda: "let in"))
    app.add_url_rule("/ruled", "ruled", lambda: "let in")
    statuses = {
        path: [sent(app, path, *kinds).status_code for kinds in ((), ("dpop",), ("mtls",), ("dpop", "mtls"))]
        for path in ("/any", "/dpop", "/mtls", "/ruled")
    }
    assert statuses == {
        "/any": [401, 200, 200, 200],
        "/dpop": [401, 200, 401, 200],
        "/mtls": [401, 401, 200, 200],
        "/ruled": [401, 401, 200, 200],
    }
    assert "sender-constrained" in refusal(sent(app, "/any"), 401, "invalid_token")


def test_what_is_no_kind_of_binding_is_told_so(make_app: MakeApp) -> None:
    with pytest.raises(TypeError, match="bound is True, False or one of 'dpop', 'mtls'; 'tls' is not"):
        require_token(bound="tls")
    for wrong in ("tls", 5, ["dpop"]):
        with pytest.raises(ConfigurationError, match=r"OAUTH_PROTECT\[0\]\['bound'\].*'dpop' or 'mtls'"):
            make_app(OAUTH_PROTECT=[{"path": "/x", "bound": wrong}])


def test_a_view_sees_what_its_token_is_bound_to(make_app: MakeApp) -> None:
    app = make_app(**ON)

    @app.get("/told")
    @require_token
    def told() -> dict[str, Any]:
        claims = {name: current_token.claims.get(name) for name in ("cnf", "token_type")}
        return {"confirmation": dict(current_token.confirmation), **claims}

    jkt = {"jkt": HOLDER.thumbprint}
    assert sent(app, "/told", "dpop").get_json() == {"confirmation": jkt, "cnf": jkt, "token_type": "DPoP"}
    x5t = {"x5t#S256": CERTIFICATE.thumbprint}
    assert sent(app, "/told", "mtls").get_json() == {"confirmation": x5t, "cnf": x5t, "token_type": "Bearer"}
    assert sent(app, "/told").get_json() == {"confirmation": {}, "cnf": None, "token_type": "Bearer"}


def test_introspection_says_what_a_token_is_bound_to(make_app: MakeApp) -> None:
    app = make_app(**ON)
    api = register(app, resource_server=True)
    for kinds, token_type in (((), "Bearer"), (("dpop",), "DPoP"), (("mtls",), "Bearer")):
        asked = {"token": bound_to(app, *kinds)}
        answer = app.test_client().post(
            "/oauth/introspect", data=asked, headers=basic(api.client_id, api.client_secret)
        )
        claims = answer.get_json()
        assert (claims["active"], claims["token_type"], len(claims.get("cnf", ()))) == (True, token_type, len(kinds))


def test_the_scheme_may_be_written_in_any_case(make_app: MakeApp) -> None:
    app = make_app(**ON)
    for scheme in ("DPoP", "dpop", "DPOP", "dPoP"):
        token = bound_to(app, "dpop")
        headers = HOLDER.with_token(token) | {"Authorization": f"{scheme} {token}"}
        assert app.test_client().get("/weather", headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["DPoP", "DPoP ", "DPoP a b", "DPoP a,DPoP b", "DPoP \xe4"])
def test_a_malformed_header_is_a_bad_request(make_app: MakeApp, header: str) -> None:
    response = make_app(**ON).test_client().get("/weather", headers={"Authorization": header})
    assert "'DPoP <token>'" in refusal(response, 400, "invalid_request")


def test_without_a_scheme_a_token_bound_to_a_key_is_refused_and_twice_is_a_bad_request(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_BEARER_METHODS=["header", "query", "body"])
    token = bound_to(app, "dpop")
    client, proof = app.test_client(), {"DPoP": HOLDER.proof("GET", f"{HOST}/weather", token)}
    assert "send it as DPoP" in refusal(
        client.get(f"/weather?access_token={token}", headers=proof), 401, "invalid_token"
    )
    twice = client.get(f"/weather?access_token={token}", headers=HOLDER.with_token(token))
    assert "more than once" in refusal(twice, 400, "invalid_request")
    by_certificate = client.get(f"/weather?access_token={bound_to(app, 'mtls')}", headers=OWN)
    assert by_certificate.status_code == 200


def test_the_challenge_lists_both_schemes_dpop_first(make_app: MakeApp) -> None:
    challenge = make_app(**ON).test_client().get("/weather").headers["WWW-Authenticate"]
    told = (
        'realm="oauth", scope="weather:read", resource_metadata="http://localhost/.well-known/oauth-protected-resource"'
    )
    assert challenge == f'DPoP {told}, algs="ES256 ES384 ES512 Ed25519 PS256 RS256", Bearer {told}'


def test_for_clients_of_mcp_the_challenge_begins_with_bearer_the_only_scheme_that_they_read(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_PROFILE="mcp", OAUTH_DPOP_NONCE=True)
    challenge = app.test_client().get("/weather").headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert ', DPoP realm="oauth", ' in challenge
    wrong = app.test_client().get("/weather", headers=HOLDER.with_token(bound_to(app, "dpop")))
    assert wrong.headers["WWW-Authenticate"].startswith("DPoP ")


def test_where_only_certificates_bind_or_nothing_does_the_challenge_is_bearer_s(make_app: MakeApp) -> None:
    for on in ({}, {"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"}):
        response = make_app(**on).test_client().get("/weather", headers={"Authorization": "DPoP x", "DPoP": "x"})
        assert response.headers["WWW-Authenticate"].startswith("Bearer ")
        assert "DPoP" not in response.headers["WWW-Authenticate"]


def test_who_sends_no_token_learns_how_one_is_sent_here(make_app: MakeApp) -> None:
    plain, bound = make_app(), make_app(OAUTH_DPOP=True)
    said = plain.test_client().get("/weather").get_json()["error_description"]
    assert said == "This needs an access token: send it as 'Authorization: Bearer <token>'."
    said = bound.test_client().get("/weather").get_json()["error_description"]
    assert "'Authorization: DPoP <token>' with a proof" in said
    said = plain.test_client().get("/weather", headers={"Authorization": "DPoP x"}).get_json()["error_description"]
    assert said == "This needs an access token as 'Authorization: Bearer <token>': DPoP is not on here."


def test_a_missing_nonce_is_told_with_dpop_s_challenge_alone(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_DPOP_NONCE=True)
    token, client = bound_to(app, "dpop"), app.test_client()
    for number in range(2):
        response = client.get("/weather", headers=HOLDER.with_token(token, **({"nonce": "old"} if number else {})))
        assert "DPoP-Nonce" in refusal(response, 401, "use_dpop_nonce")
        challenge = response.headers["WWW-Authenticate"]
        assert challenge.startswith("DPoP ")
        assert "Bearer" not in challenge
        assert 'scope="weather:read"' in challenge
    nonce = response.headers["DPoP-Nonce"]
    answer = client.get("/weather", headers=HOLDER.with_token(token, nonce=nonce))
    assert (answer.status_code, answer.headers.get("DPoP-Nonce")) == (200, None)


@pytest.mark.parametrize("place", ["view", "WSGI application", "ASGI application", "userinfo"])
def test_a_new_nonce_comes_with_the_answer_before_the_old_one_ends(place: str, clock: Clock) -> None:
    places = Places(**ON, OAUTH_DPOP_NONCE=True, OAUTH_DATABASE_URI="sqlite:///:memory:")
    method, path, _ = PLACES[place]
    token = places.token({"jkt": HOLDER.thumbprint}, place)
    first = places.ask(place, HOLDER.with_token(token, method, HOST + path))
    assert first.status == 401
    nonce = first.headers["DPoP-Nonce"]
    clock.advance(120)
    second = places.ask(place, HOLDER.with_token(token, method, HOST + path, nonce=nonce))
    assert second.status == 200
    assert second.headers.getlist("DPoP-Nonce") == [newer := second.headers["DPoP-Nonce"]]
    assert newer != nonce
    clock.advance(120)
    assert places.ask(place, HOLDER.with_token(token, method, HOST + path, nonce=nonce)).status == 401
    assert places.ask(place, HOLDER.with_token(token, method, HOST + path, nonce=newer)).status == 200
    close_app(places.app)


def test_a_token_that_is_not_good_is_told_so_and_spends_no_proof(make_app: MakeApp) -> None:
    app = make_app(**ON)
    client = app.test_client()
    token = bound_to(app, "dpop")
    gateway_of(app).tokens.revoke(token=token)
    headers = HOLDER.with_token(token)
    with statements_of(server_of(app).database.engine) as statements:
        for good in (headers, {"Authorization": f"DPoP {token}"}, {**headers, "DPoP": "no proof at all"}):
            assert "revoked" in refusal(client.get("/weather", headers=good), 401, "invalid_token")
    assert not [each for each in statements if not each[0].startswith("SELECT")]


def test_a_thief_learns_nothing_of_the_token_and_spends_no_quota(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_PLANS={"small": {"quota": "1/hour"}})
    app.add_url_rule("/write", "write", require_token("weather:write")(lambda: "written"))
    client, made = app.test_client(), register(app, plan="small")
    token = bound_to(app, "dpop", client_id=made.client_id)
    thief = ProofKey()
    for path in ("/weather", "/write"):
        response = client.get(path, headers=thief.with_token(token, "GET", HOST + path))
        assert "another key" in refusal(response, 401, "invalid_token")
    assert client.get("/weather", headers=HOLDER.with_token(token)).status_code == 200
    assert client.get("/weather", headers=HOLDER.with_token(token)).status_code == 429


def test_a_token_that_is_remembered_is_checked_at_each_request(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_TOKEN_CACHE_SECONDS=60)
    client, token, tied = app.test_client(), bound_to(app, "dpop"), bound_to(app, "mtls")
    good = HOLDER.with_token(token)
    assert client.get("/weather", headers=good).status_code == 200
    assert client.get("/weather", headers=bearer(tied) | OWN).status_code == 200
    for headers in (good, bearer(token), ProofKey().with_token(token), bearer(tied)):
        assert client.get("/weather", headers=headers).status_code == 401
    assert client.get("/weather", headers=HOLDER.with_token(token)).status_code == 200


def test_with_replay_at_the_endpoints_alone_a_view_keeps_no_proofs(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_DPOP_REPLAY="endpoints", OAUTH_TOKEN_CACHE_SECONDS=60)
    client, token = app.test_client(), bound_to(app, "dpop")
    proof = HOLDER.with_token(token)
    assert client.get("/weather", headers=proof).status_code == 200
    with statements_of(server_of(app).database.engine) as statements:
        assert client.get("/weather", headers=proof).status_code == 200
    assert statements == []
    told = HOLDER.with_token(token, "GET", f"{HOST}/oauth/tokeninfo")
    assert [client.get("/oauth/tokeninfo", headers=told).status_code for _ in range(2)] == [200, 401]


def test_an_app_behind_its_own_gateway_checks_a_proof_once(make_app: MakeApp) -> None:
    app = make_app(**ON)
    outside = Client(gateway_of(app).wsgi(app.wsgi_app, "weather:read"))
    token = bound_to(app, "dpop")
    good = HOLDER.with_token(token)
    assert outside.get("/weather", headers=good).status_code == 200
    assert outside.get("/weather", headers=good).status_code == 401


def test_an_app_without_these_features_takes_no_step_more(make_app: MakeApp) -> None:
    app = make_app()
    assert server_of(app).binding is None
    token = token_for(app.test_client(), register(app))["access_token"]
    assert app.test_client().get("/weather", headers=bearer(token)).status_code == 200
    assert refusal(app.test_client().get("/weather", headers={"Authorization": f"DPoP {token}"}), 401, "unauthorized")


def test_a_refused_proof_is_told_of_with_its_client(make_app: MakeApp) -> None:
    app = make_app(**ON)
    made = register(app)
    token = bound_to(app, "dpop", client_id=made.client_id)
    with recorded(token_rejected, app) as told:
        app.test_client().get("/weather", headers={"Authorization": f"DPoP {token}"})
    assert [(each["error"], each["client_id"]) for each in told] == [("invalid_dpop_proof", made.client_id)]


@pytest.mark.parametrize("compatibility", ["apigee", "axway"])
def test_in_another_gateway_s_shape_a_proof_s_challenge_stays(make_app: MakeApp, compatibility: str) -> None:
    app = make_app(**ON, OAUTH_DPOP_NONCE=True, OAUTH_COMPATIBILITY=compatibility)
    response = app.test_client().get("/weather", headers=HOLDER.with_token(bound_to(app, "dpop")))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("DPoP ")
    assert response.headers["DPoP-Nonce"]


@pytest.mark.parametrize("bound", [True, "dpop", "mtls"])
def test_the_doctor_says_where_no_token_opens_a_view(make_app: MakeApp, bound: Any) -> None:
    def told(**config: Any) -> bool:
        app = make_app(**config)
        app.add_url_rule("/bound", "bound", require_token(bound=bound)(lambda: ""))
        result = app.test_cli_runner().invoke(args=["oauth", "doctor"])
        return "nothing binds tokens as /bound asks for" in result.stdout

    assert told()
    assert not told(**ON)


def test_the_doctor_says_what_it_means_that_views_keep_no_proofs(make_app: MakeApp) -> None:
    for config, told in (({}, False), ({"OAUTH_DPOP_REPLAY": "endpoints"}, True)):
        result = make_app(**ON, **config).test_cli_runner().invoke(args=["oauth", "doctor"])
        assert ("To know: OAUTH_DPOP_REPLAY" in result.stdout) is told
