"""Step-up at the authorize endpoint (RFC 9470 section 5): with `OAUTH_ACR_VALUES` a strength that is asked for is held."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.users.accounts import SignInRequest
from tests.support.relying_party import RelyingParty
from tests.support.site import (
    BOTH,
    DEVICE_CODE,
    GRANT_TYPES,
    MakeSite,
    Page,
    Person,
    Site,
    answer,
    granted,
    query,
    refused,
    split,
)

STRENGTHS = ["tin", "silver", "gold"]
UNMET = "unmet_authentication_requirements"


@pytest.fixture(params=[True, False], ids=["the app tells when", "the app doesn't tell when"])
def site(make_site: MakeSite, request: pytest.FixtureRequest) -> Any:
    """A site whose users sign in at /login; Alice did so an hour ago, with what the app calls "silver"."""
    site = make_site(OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None, OAUTH_ACR_VALUES=STRENGTHS)
    site.signed_in_at, site.acr = int(time.time()) - 3600, "silver"
    at = (lambda: {"auth_time": site.signed_in_at}) if request.param else (dict)
    site.gateway.login_details(lambda _: {"acr": site.acr, **at()})
    return site


def to_sign_in(response: Any) -> str:
    """Where the sign-in leads back to."""
    assert response.status_code == 302, response.text
    path, parameters = split(response.headers["Location"])
    assert path == "/login", response.headers["Location"]
    return parameters["next"]


def sign_in(site: Any, response: Any, acr: str | None) -> Any:
    back = to_sign_in(response)
    site.signed_in_at, site.acr = int(time.time()), acr
    return site.browser.get(back)


def acr_in(site: Site, client: Client, code: str) -> str:
    tokens = granted(site.redeem(client, code))
    told = site.post(client, "/oauth/introspect", token=tokens["access_token"]).get_json()
    return str(told["acr"])


@pytest.mark.parametrize("skips", [True, False])
def test_who_signed_in_as_strongly_or_more_goes_on_and_the_token_says_how(site: Any, skips: bool) -> None:
    client = site.register(skip_consent=skips)
    for wanted in ("tin", "silver", "gold silver", "unknown tin"):
        assert acr_in(site, client, site.code(client, acr_values=wanted)) == "silver"
        assert (
            acr_in(site, client, site.code(client, acr_values=wanted, **({"prompt": "none"} if skips else {})))
            == "silver"
        )


@pytest.mark.parametrize("skips", [True, False])
def test_who_signs_in_more_strongly_goes_on_and_who_does_not_gets_no_token(site: Any, skips: bool) -> None:
    client = site.register(skip_consent=skips)
    stronger = sign_in(site, site.ask(client, acr_values="gold"), "gold")
    stronger = stronger if skips else site.send(Page(stronger))
    assert acr_in(site, client, answer(stronger.location)["code"]) == "gold"
    for weak in ("silver", "unknown", None):
        site.acr = "silver"
        comes_back = sign_in(site, site.ask(client, acr_values="gold"), weak)
        assert refused(comes_back.location, UNMET) == "The user's sign-in is weaker than what was asked for."


def test_who_comes_back_without_having_signed_in_gets_no_token(site: Any) -> None:
    client = site.register(skip_consent=True)
    back = to_sign_in(site.ask(client, acr_values="gold"))
    assert refused(site.browser.get(back).location, UNMET)
    to_sign_in(site.ask(client, acr_values="gold"))  # and the next try leads there again


def test_what_is_not_in_the_list_can_t_be_had(site: Any) -> None:
    client = site.register(skip_consent=True)
    site.acr = "platinum"
    for prompt in ({}, {"prompt": "none"}, {"prompt": "login"}):
        assert refused(site.ask(client, acr_values="platinum bronze", **prompt).location, UNMET)
    site.person = None
    assert refused(site.ask(client, acr_values="platinum").location, UNMET)  # without a trip for nothing


def test_a_silent_request_is_refused_at_once(site: Any) -> None:
    client = site.register(skip_consent=True)
    assert refused(site.ask(client, acr_values="gold", prompt="none").location, UNMET)
    site.acr = None
    assert refused(site.ask(client, acr_values="tin", prompt="none").location, UNMET)
    site.person = None
    assert refused(site.ask(client, acr_values="gold", prompt="none").location, "login_required")


def test_without_the_setting_nothing_changes(make_site: MakeSite) -> None:
    site = make_site(OAUTH_LOGIN_URL="/login")
    site.gateway.login_details(lambda _: {"acr": "silver"})
    client = site.register(skip_consent=True)
    back = to_sign_in(site.ask(client, acr_values="gold"))
    assert acr_in(site, client, answer(site.browser.get(back).location)["code"]) == "silver"
    assert acr_in(site, client, site.code(client, acr_values="gold", prompt="none")) == "silver"


def test_the_consent_page_is_no_way_around_a_sign_in_that_has_become_weaker(site: Any) -> None:
    """The page is shown after the sign-in, and somebody signs in with less in another tab before the button is pressed."""
    client = site.register()
    page = Page(sign_in(site, site.ask(client, acr_values="gold"), "gold"))
    plain = Page(site.ask(client, state="another"))
    site.signed_in_at, site.acr = int(time.time()), "tin"
    back = to_sign_in(site.send(page))
    assert refused(site.browser.get(back).location, UNMET)
    for token in ("", "x", plain.hidden("form_token"), page.hidden("form_token")):
        data = {"decision": "allow", "asked": BOTH, "scope": BOTH.split(), "form_token": token}
        to_sign_in(site.browser.post("/oauth/authorize", query_string=query(client, acr_values="gold"), data=data))


def test_the_login_hook_hears_what_will_do(make_site: MakeSite) -> None:
    site = make_site(OAUTH_ACR_VALUES=STRENGTHS)
    heard: list[SignInRequest] = []
    site.gateway.login(lambda wanted: heard.append(wanted) or "the form")  # type: ignore[func-returns-value]
    site.person = None
    assert site.ask(site.register(), acr_values="silver", max_age="60").text == "the form"
    assert (heard[0].acr_values, heard[0].max_age, heard[0].strong_enough) == (("silver",), 60, {"silver", "gold"})


@pytest.fixture
def party(make_site: MakeSite) -> Any:
    config = {"OAUTH_OIDC": True, "OAUTH_ISSUER": "http://localhost", "OAUTH_LOGIN_URL": "/login"}
    site: Any = make_site(**config, OAUTH_ACR_VALUES=STRENGTHS, OAUTH_GRANT_TYPES=GRANT_TYPES, OAUTH_RATE_LIMITS=None)
    site.signed_in_at, site.acr = int(time.time()) - 3600, "silver"
    site.gateway.login_details(lambda _: {"acr": site.acr, "auth_time": site.signed_in_at})
    return RelyingParty(site, skip_consent=True)


def test_what_the_client_registered_is_held_too(party: RelyingParty) -> None:
    site: Any = party.site
    wanting = RelyingParty(site, default_acr_values=["gold"], skip_consent=True)
    assert refused(site.ask(wanting.client, scope="openid", prompt="none").location, UNMET)
    assert wanting.sign_in(acr_values="silver")["acr"] == "silver"  # what a request says counts
    comes_back = sign_in(site, site.ask(wanting.client, scope="openid"), "gold")
    assert wanting.read(wanting.trade(answer(comes_back.location)["code"])["id_token"])["acr"] == "gold"


def test_an_essential_acr_is_one_of_those_that_were_named(party: RelyingParty) -> None:
    """OIDC Core section 5.5.1.1: not even a stronger one does. A voluntary one is a wish, as ever."""
    site: Any = party.site

    def claims(*values: str, essential: bool = True) -> str:
        return json.dumps({"id_token": {"acr": {"essential": essential, "values": values}}})

    def ask(**sent: str) -> Any:
        return site.ask(party.client, scope="openid", **sent)

    assert party.sign_in(claims=claims("silver", "tin"))["acr"] == "silver"
    assert refused(ask(claims=claims("platinum")).location, UNMET)
    assert refused(ask(claims=claims("tin"), acr_values="silver").location, UNMET)  # which no sign-in can be at once
    assert refused(ask(claims=claims("gold"), prompt="none").location, UNMET)
    assert refused(sign_in(site, ask(claims=claims("tin")), "gold").location, UNMET)
    site.acr = "silver"
    comes_back = sign_in(site, ask(claims=claims("silver", "gold"), acr_values="gold"), "gold")
    assert party.read(party.trade(answer(comes_back.location)["code"])["id_token"])["acr"] == "gold"
    assert party.sign_in(claims=claims("tin", essential=False), prompt="none")["acr"] == "gold"


@pytest.mark.parametrize("acr", [{"essential": True}, {"essential": True, "values": [5]}, {"values": [5]}])
def test_an_acr_without_a_name_hides_no_acr_values_from_the_sign_in(make_site: MakeSite, acr: dict[str, Any]) -> None:
    for config in ({}, {"OAUTH_ACR_VALUES": STRENGTHS}):
        site = make_site(OAUTH_OIDC=True, OAUTH_ISSUER="http://localhost", **config)
        heard: list[SignInRequest] = []
        site.gateway.login(lambda wanted, heard=heard: heard.append(wanted) or "the form")
        site.person = None
        site.ask(
            site.register(scope="openid"),
            scope="openid",
            acr_values="gold",
            claims=json.dumps({"id_token": {"acr": acr}}),
        )
        assert heard[0].acr_values == ("gold",)


def test_a_device_s_user_signs_in_as_strongly_as_the_program_s_registration_asks(party: RelyingParty) -> None:
    site: Any = party.site
    metadata = {"grant_types": [DEVICE_CODE, "refresh_token"], "redirect_uris": [], "default_acr_values": ["silver"]}
    device = RelyingParty(site, **metadata)
    asked = site.post(device.client, "/oauth/device_authorization", scope="openid").get_json()
    site.acr = "tin"
    sent = {"form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"), "user_code": asked["user_code"]}
    for weak in ("tin", "unknown", None):
        site.acr = weak
        to_sign_in(site.browser.post("/oauth/device", data=sent))
    site.acr = "gold"
    page = Page(site.browser.post("/oauth/device", data=sent))
    site.acr = "tin"
    to_sign_in(site.send(page))
    site.acr = "gold"
    assert site.send(page).status_code == 200
    data = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    tokens = granted(site.post(device.client, "/oauth/token", **data))
    assert device.read(tokens["id_token"])["acr"] == "gold"


def test_a_device_s_sign_in_is_the_one_that_was_looked_at(party: RelyingParty) -> None:
    """The user signs in with less in another tab while the form is answered."""
    site: Any = party.site
    metadata = {"grant_types": [DEVICE_CODE], "redirect_uris": [], "default_acr_values": ["gold"]}
    device = RelyingParty(site, **metadata)
    asked = site.post(device.client, "/oauth/device_authorization", scope="openid").get_json()
    told = ["gold"]
    site.gateway.login_details(lambda _: {"acr": told.pop(0) if told else "tin"})
    sent = {"form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"), "user_code": asked["user_code"]}
    page = Page(site.browser.post("/oauth/device", data=sent))
    told.append("gold")
    assert site.send(page).status_code == 200
    data = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    tokens = granted(site.post(device.client, "/oauth/token", **data))
    assert device.read(tokens["id_token"])["acr"] == "gold"


class Tabs(RuleBasedStateMachine):
    """Two tabs and more of one browser, in any order. The model: a code's sign-in is as strong as its request asks."""

    site: Any
    client: Client

    def __init__(self) -> None:
        super().__init__()
        self.browser = self.site.app.test_client()
        self.site.person = f"person {len(self.site.people)}"  # whom no earlier sequence knows
        self.site.people[self.site.person] = Person(self.site.person)
        self.site.signed_in_at, self.site.acr = int(time.time()) - 3600, "tin"
        self.pages: list[str] = []
        self.backs: list[tuple[str, str]] = []
        self.sign_ins = 0

    def take(self, response: Any, wanted: str) -> None:
        where = response.headers.get("Location", "")
        is_strong = STRENGTHS.index(self.site.acr) >= STRENGTHS.index(wanted)
        if where.startswith("https://app.example/"):
            assert ("code" in answer(where)) == is_strong, f"{self.site.acr} for {wanted}: {where}"
            assert is_strong or answer(where)["error"] == UNMET
            if is_strong:
                assert acr_in(self.site, self.client, answer(where)["code"]) == self.site.acr
        elif where:
            self.backs.append((split(where)[1]["next"], wanted))
        elif 'name="form_token"' in response.text:
            assert is_strong, "a page that asks for consent to what can't be given"
            self.pages.append(Page(response).hidden("form_token"))

    @rule(wanted=st.sampled_from(STRENGTHS))
    def open(self, wanted: str) -> None:
        sent = query(self.client, acr_values=wanted)
        self.take(self.browser.get("/oauth/authorize", query_string=sent), wanted)

    @rule(wanted=st.sampled_from(STRENGTHS), data=st.data())
    def press_allow(self, wanted: str, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(["", "invented", *self.pages]))
        form = {"decision": "allow", "asked": BOTH, "scope": BOTH.split(), "form_token": token}
        sent = query(self.client, acr_values=wanted)
        self.take(self.browser.post("/oauth/authorize", query_string=sent, data=form), wanted)

    @rule(acr=st.sampled_from(STRENGTHS))
    def sign_in_elsewhere(self, acr: str) -> None:
        self.sign_ins += 1
        self.site.signed_in_at, self.site.acr = int(time.time()) + self.sign_ins, acr

    @precondition(lambda self: self.backs)
    @rule(acr=st.sampled_from([None, *STRENGTHS]), data=st.data())
    def come_back(self, acr: str | None, data: st.DataObject) -> None:
        """From the sign-in, or, where nothing is drawn, from having left it."""
        back, wanted = data.draw(st.sampled_from(self.backs))
        self.backs.remove((back, wanted))
        if acr is not None:
            self.sign_in_elsewhere(acr)
        self.take(self.browser.get(back), wanted)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("tells", [True, False])
def test_no_sequence_of_tabs_and_forms_gives_a_token_whose_sign_in_is_weaker(
    make_site: MakeSite, skips: bool, tells: bool
) -> None:
    site: Any = make_site(OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None, OAUTH_ACR_VALUES=STRENGTHS)
    at = (lambda: {"auth_time": site.signed_in_at}) if tells else (dict)
    site.gateway.login_details(lambda _: {"acr": site.acr, **at()})
    run_state_machine_as_test(
        type("Tabs", (Tabs,), {"site": site, "client": site.register(skip_consent=skips)}),
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
