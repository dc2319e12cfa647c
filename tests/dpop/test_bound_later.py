"""What was given without a proof, or read before a change: it is bound from the first proof on, and never let go again."""

from typing import Any

import pytest

from flask_oauth_gateway.grants.refresh_token import RefreshTokenGrant
from tests.support.app import gateway_of, refusal, server_of
from tests.support.bound import ask, bound, redeem, refresh, unbound
from tests.support.databases import every_database
from tests.support.proofs import ProofKey
from tests.support.racing import together
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, granted

KEY, OTHER = ProofKey(), ProofKey()


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_public_client_s_first_refresh_with_a_proof_binds_its_refresh_token(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register_public()
    tokens = unbound(site, redeem(site, client, site.code(client), None))
    tokens = unbound(site, refresh(site, client, tokens["refresh_token"], None))
    tokens = bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)
    for key in (OTHER, None):
        refusal(refresh(site, client, tokens["refresh_token"], key), 400, "invalid_grant")
    bound(site, refresh(site, client, tokens["refresh_token"], KEY), KEY)


@every_database
def test_a_refresh_token_that_stays_is_bound_by_the_first_proof_too(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKENS="preserve")
    client = site.register_public()
    token = unbound(site, redeem(site, client, site.code(client), None))["refresh_token"]
    bound(site, refresh(site, client, token, KEY), KEY)
    for key in (OTHER, None):
        refusal(refresh(site, client, token, key), 400, "invalid_grant")
    bound(site, refresh(site, client, token, KEY), KEY)


@every_database
def test_of_a_token_that_was_spent_with_a_proof_the_grace_gives_nothing_to_who_lacks_the_key(
    make_site: MakeSite,
) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    client = site.register_public()
    first = unbound(site, redeem(site, client, site.code(client), None))["refresh_token"]
    second = bound(site, refresh(site, client, first, KEY), KEY)["refresh_token"]
    for key in (OTHER, None):
        refusal(refresh(site, client, first, key), 400, "invalid_grant")
    assert bound(site, refresh(site, client, first, KEY), KEY)["refresh_token"] == second


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_of_many_keys_at_once_one_gets_the_refresh_token_and_the_others_nothing(make_site: MakeSite, form: str) -> None:
    config = {"OAUTH_DPOP": True, "OAUTH_REFRESH_TOKEN_GRACE": 30, "OAUTH_ACCESS_TOKEN_FORMAT": form}
    sites = [make_site(**config), make_site(**config)]
    client = sites[0].register_public()
    token = unbound(sites[0], redeem(sites[0], client, sites[0].code(client), None))["refresh_token"]
    keys = [ProofKey() for _ in range(8)]
    answers: dict[int, Any] = {}

    def send(number: int) -> None:
        answers[number] = refresh(sites[number % 2], client, token, keys[number])

    together(len(keys), send)
    (winner,) = (number for number, answer in answers.items() if answer.status_code == 200)
    following = answers[winner].get_json()["refresh_token"]
    for number, key in enumerate(keys):
        if number != winner:
            refusal(refresh(sites[0], client, following, key), 400, "invalid_grant")
    bound(sites[1], refresh(sites[1], client, following, keys[winner]), keys[winner])


@every_database
def test_of_many_keys_at_once_one_alone_binds_a_refresh_token_that_stays(make_site: MakeSite) -> None:
    config = {"OAUTH_DPOP": True, "OAUTH_REFRESH_TOKENS": "preserve"}
    sites = [make_site(**config), make_site(**config)]
    client = sites[0].register_public()
    token = unbound(sites[0], redeem(sites[0], client, sites[0].code(client), None))["refresh_token"]
    keys = [ProofKey() for _ in range(8)]
    answers: dict[int, Any] = {}
    together(
        len(keys), lambda number: answers.update({number: refresh(sites[number % 2], client, token, keys[number])})
    )
    (winner,) = (number for number, answer in answers.items() if answer.status_code == 200)
    for number, key in enumerate(keys):
        if number != winner:
            refusal(answers[number], 400, "invalid_grant")
            refusal(refresh(sites[0], client, token, key), 400, "invalid_grant")
    refusal(refresh(sites[1], client, token, None), 400, "invalid_grant")
    bound(sites[1], refresh(sites[1], client, token, keys[winner]), keys[winner])


@every_database
def test_a_request_without_a_proof_that_is_overtaken_by_one_with_a_proof_gets_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKENS="preserve")
    client = site.register_public()
    token = unbound(site, redeem(site, client, site.code(client), None))["refresh_token"]
    steps = type(server_of(site.app).steps)
    load, overtaken = steps.user, []

    def user(self: Any, subject: str, what: str) -> Any:
        if not overtaken:
            overtaken.append(None)
            bound(site, refresh(site, client, token, KEY), KEY)
        return load(self, subject, what)

    monkeypatch.setattr(steps, "user", user)
    refusal(refresh(site, client, token, None), 400, "invalid_grant")
    assert overtaken


@every_database
def test_where_dpop_is_off_again_no_bound_refresh_token_is_spent(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True)
    client = site.register_public()
    token = granted(redeem(site, client, site.code(client), KEY))["refresh_token"]
    without = make_site()
    for key in (None, OTHER, KEY):
        refusal(refresh(without, client, token, key), 400, "invalid_grant")
    bound(site, refresh(site, client, token, KEY), KEY)


@every_database
@pytest.mark.parametrize("grant_type", ["client_credentials", "refresh_token", "authorization_code"])
def test_a_client_that_binds_its_tokens_no_longer_is_asked_for_no_proof_in_any_process(
    make_site: MakeSite, grant_type: str
) -> None:
    here, there = make_site(OAUTH_DPOP=True), make_site(OAUTH_DPOP=True)
    grants = ["client_credentials", "refresh_token", "authorization_code"]
    client = here.register(grant_types=grants, dpop_bound_access_tokens=True)
    tokens = granted(redeem(here, client, here.code(client), KEY))
    needed: dict[str, dict[str, Any]] = {
        "client_credentials": {},
        "refresh_token": {"refresh_token": tokens["refresh_token"]},
        "authorization_code": {
            "code": here.code(client),
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        },
    }
    granted(ask(there, client, KEY, grant_type="client_credentials"))  # it has read the client
    gateway_of(here.app).clients.update(client.client_id, dpop_bound_access_tokens=False)
    unbound(there, ask(there, client, None, grant_type=grant_type, **needed[grant_type]))


@every_database
def test_a_request_that_is_decided_on_anew_is_not_refused_for_its_own_proof(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two send one refresh token at once; before the second is answered from the grace, the client is changed."""
    site = make_site(OAUTH_DPOP=True, OAUTH_REFRESH_TOKEN_GRACE=30)
    client = site.register_public()
    token = granted(redeem(site, client, site.code(client), KEY))["refresh_token"]
    steps, first, changed = server_of(site.app).steps, [], []
    load, repeat = type(steps).user, RefreshTokenGrant.spent_before

    def user(self: Any, subject: str, what: str) -> Any:
        if not first:
            first.append(None)
            first.append(granted(refresh(site, client, token, KEY)))
        return load(self, subject, what)

    def spent_before(self: Any, request: Any) -> Any:
        if not changed:
            changed.append(gateway_of(site.app).clients.update(client.client_id, client_name="Another name"))
        return repeat(self, request)

    monkeypatch.setattr(type(steps), "user", user)
    monkeypatch.setattr(RefreshTokenGrant, "spent_before", spent_before)
    assert granted(refresh(site, client, token, KEY))["access_token"] == first[1]["access_token"]
    assert changed
