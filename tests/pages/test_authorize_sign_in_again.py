"""`/oauth/authorize` where a request asks for a fresh sign-in: nothing that a browser can send leads around it."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import server_of
from tests.support.clock import Clock
from tests.support.site import BOTH, MakeSite, Page, Person, Site, answer, query, split

#: What asks for a fresh sign-in, each in its own way.
ASKING = [
    {"prompt": "login"},
    {"prompt": "select_account"},
    {"max_age": "0"},
    {"max_age": "60"},
    {"acr_values": "gold"},
]


@pytest.fixture(params=[True, False], ids=["the app tells when", "the app doesn't tell when"])
def site(make_site: MakeSite, request: pytest.FixtureRequest) -> Any:
    """A site whose users sign in at /login; Alice did so an hour ago, with what the app calls "silver"."""
    site = make_site(OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None)
    site.signed_in_at, site.acr = int(time.time()) - 3600, "silver"
    site.gateway.login_details(
        lambda _: {"acr": site.acr, **({"auth_time": site.signed_in_at} if request.param else {})}
    )
    return site


def code_in(response: Any) -> str | None:
    """The code that a response gives, if it gives one."""
    target = response.headers.get("Location", "")
    return answer(target).get("code") if target.startswith("https://app.example/") else None


def sent_to_sign_in(response: Any) -> str:
    """Where the sign-in leads back to."""
    assert response.status_code == 302, response.text
    path, parameters = split(response.headers["Location"])
    assert path == "/login"
    return parameters["next"]


def sign_in(site: Site, response: Any) -> Any:
    back = sent_to_sign_in(response)
    site.signed_in_at, site.acr = int(time.time()), "gold"
    return site.browser.get(back)


def decision(token: str = "") -> dict[str, Any]:
    return {"decision": "allow", "asked": BOTH, "scope": BOTH.split(), "form_token": token}


@pytest.mark.parametrize("asking", ASKING, ids=str)
@pytest.mark.parametrize("skips", [True, False])
def test_an_invented_form_is_sent_to_sign_in_like_anybody_else(site: Site, asking: dict[str, str], skips: bool) -> None:
    client = site.register(skip_consent=skips)
    for token in ("", "x", "W10.aaaa.bbbb"):
        response = site.browser.post("/oauth/authorize", query_string=query(client, **asking), data=decision(token))
        sent_to_sign_in(response)


@pytest.mark.parametrize("asking", ASKING, ids=str)
def test_a_page_of_the_same_client_that_asked_for_no_sign_in_is_no_way_around_it(
    site: Site, asking: dict[str, str]
) -> None:
    client = site.register()
    token = Page(site.ask(client)).hidden("form_token")
    response = site.browser.post("/oauth/authorize", query_string=query(client, **asking), data=decision(token))
    sent_to_sign_in(response)


@pytest.mark.parametrize("asking", ASKING, ids=str)
def test_a_sign_in_is_good_for_one_answer(site: Site, asking: dict[str, str]) -> None:
    """Then comes the back button, and with it the page."""
    client = site.register()
    page = Page(sign_in(site, site.ask(client, **asking)))
    assert code_in(site.send(page))
    site.signed_in_at, site.acr = site.signed_in_at - 1800, "silver"
    sent_to_sign_in(site.send(page))


@pytest.mark.parametrize("asking", [{"prompt": "login"}, {"max_age": "60"}, {"acr_values": "gold"}], ids=str)
def test_a_request_that_is_opened_in_two_tabs_is_no_error_and_asks_for_the_sign_in_in_both(
    make_site: MakeSite, asking: dict[str, str]
) -> None:
    site: Any = make_site(OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None)
    site.signed_in_at, site.acr = int(time.time()) - 3600, "silver"
    site.gateway.login_details(lambda _: {"acr": site.acr, "auth_time": site.signed_in_at})
    client = site.register(skip_consent=True)
    first, second = site.ask(client, **asking), site.ask(client, **asking)
    for tab in (first, second):
        assert sent_to_sign_in(tab)
    assert code_in(sign_in(site, first))


@pytest.mark.parametrize("asking", ASKING, ids=str)
def test_who_comes_back_without_having_signed_in_gets_no_code(site: Site, asking: dict[str, str]) -> None:
    """As far as the app tells: else nobody could know. To choose an account is no sign-in, and a strength a wish."""
    client = site.register(skip_consent=True)
    back = sent_to_sign_in(site.ask(client, **asking))
    tells = "auth_time" in server_of(site.app).users.login_details(None)
    tells = tells and asking not in ({"prompt": "select_account"}, {"acr_values": "gold"})
    response = site.browser.get(back)
    assert (code_in(response) is None) == tells
    if tells:
        assert "login_required" in response.headers["Location"]


@pytest.mark.parametrize("asking", [{"max_age": "60"}, {"acr_values": "gold"}], ids=str)
def test_a_request_that_is_sent_again_goes_by_the_sign_in_that_there_is_then(
    site: Site, asking: dict[str, str], clock: Clock
) -> None:
    client = site.register(skip_consent=True)
    response = site.ask(client, **asking)
    kept = next(each for each in response.headers.getlist("Set-Cookie") if each.startswith("oauth_relogin="))
    assert code_in(sign_in(site, response))
    clock.advance(1800)
    site.acr = "silver"
    site.browser.set_cookie("oauth_relogin", kept.partition("=")[2].partition(";")[0], path="/oauth/authorize")
    sent_to_sign_in(site.ask(client, **asking))


def test_a_sign_in_from_which_nobody_comes_back_for_long_is_too_old(site: Site, clock: Clock) -> None:
    client = site.register(skip_consent=True)
    back = sent_to_sign_in(site.ask(client, max_age="60"))
    site.signed_in_at = int(time.time())
    clock.advance(1800)
    sent_to_sign_in(site.browser.get(back))


def test_a_sign_in_is_good_for_one_answer_where_nobody_is_asked(site: Site) -> None:
    """The cookie that says that the browser was at the sign-in is kept, and sent again."""
    client = site.register(skip_consent=True)
    response = site.ask(client, prompt="login")
    kept = [cookie for cookie in response.headers.getlist("Set-Cookie") if cookie.startswith("oauth_relogin=")]
    assert code_in(sign_in(site, response))
    value = kept[0].partition("=")[2].partition(";")[0]
    site.browser.set_cookie("oauth_relogin", value, path="/oauth/authorize")
    sent_to_sign_in(site.ask(client, prompt="login"))


def test_a_request_for_a_strength_that_the_sign_in_had_is_not_held_up(site: Site) -> None:
    client = site.register()
    assert code_in(site.send(Page(site.ask(client, acr_values="silver gold"))))
    assert code_in(site.ask(client, acr_values="gold", prompt="none")), "a wish is no condition (OIDC Core 3.1.2.1)"


def test_a_page_that_was_held_for_long_is_no_way_around_the_age_of_the_sign_in(site: Site, clock: Clock) -> None:
    """The user signed in in time, and answers when the sign-in is older than the client takes."""
    client = site.register()
    page = Page(sign_in(site, site.ask(client, max_age="60")))
    clock.advance(300)
    held = Page(sign_in(site, site.ask(client, max_age="60", state="another")))
    assert code_in(site.send(page)), "a page may be read for some minutes"
    clock.advance(1800)
    sent_to_sign_in(site.send(held))


def test_who_can_t_sign_in_any_stronger_gets_a_token_that_says_so(site: Site) -> None:
    """`acr_values` are a wish (OIDC Core 3.1.2.1): a resource that needs more sees the `acr` of the token."""
    client = site.register()
    back = sent_to_sign_in(site.ask(client, acr_values="gold"))
    site.signed_in_at = int(time.time())
    assert code_in(site.send(Page(site.browser.get(back))))


@pytest.mark.parametrize("site", [True], indirect=True, ids=["the app tells when"])
def test_one_sign_in_is_good_for_one_of_two_requests_that_waited_for_it(site: Site) -> None:
    """Each was sent to sign in, in two tabs; the cookie of the first is kept, and put back after the sign-in."""
    client = site.register(skip_consent=True)
    asked = query(client, prompt="login")
    sent_to_sign_in(site.browser.get("/oauth/authorize", query_string=asked))
    kept = site.browser.get_cookie("oauth_relogin", path="/oauth/authorize")
    assert kept is not None
    assert code_in(sign_in(site, site.browser.get("/oauth/authorize", query_string=asked)))
    site.browser.set_cookie("oauth_relogin", kept.value, path="/oauth/authorize")
    sent_to_sign_in(site.browser.get("/oauth/authorize", query_string=asked))


class Tabs(RuleBasedStateMachine):
    """Tabs of one browser, in any order. The model: a request for a fresh sign-in never gives more codes than sign-ins."""

    site: Site
    client: Client

    def __init__(self) -> None:
        super().__init__()
        self.browser = self.site.app.test_client()
        # Somebody new each time: what others' sign-ins gave makes no difference, so that a sequence can be tried again.
        self.site.person = f"person {len(self.site.people)}"
        self.site.people[self.site.person] = Person(self.site.person)
        self.site.signed_in_at, self.site.acr = int(time.time()) - 3600, "silver"  # type: ignore[attr-defined]
        self.pages: list[str] = []
        self.backs: list[str] = []
        self.cookies: list[str] = []
        self.sign_ins = self.codes = 0

    def take(self, response: Any, *, fresh: bool) -> None:
        if code_in(response) and fresh:
            self.codes += 1
        if response.status_code in (200, 400) and 'name="form_token"' in response.text:
            self.pages.append(Page(response).hidden("form_token"))
        self.cookies += [
            value.partition("=")[2].partition(";")[0]
            for value in response.headers.getlist("Set-Cookie")
            if value.startswith("oauth_relogin=") and "Max-Age=0" not in value
        ]
        if response.headers.get("Location", "").startswith("/login"):
            self.backs.append(split(response.headers["Location"])[1]["next"])
        assert self.codes <= self.sign_ins, "a code without its sign-in"

    @rule(fresh=st.booleans())
    def open(self, fresh: bool) -> None:
        sent = query(self.client, **({"prompt": "login"} if fresh else {}))
        self.take(self.browser.get("/oauth/authorize", query_string=sent), fresh=fresh)

    @rule(fresh=st.booleans(), data=st.data())
    def press_allow(self, fresh: bool, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(["", "invented", *self.pages]))
        sent = query(self.client, **({"prompt": "login"} if fresh else {}))
        self.take(self.browser.post("/oauth/authorize", query_string=sent, data=decision(token)), fresh=fresh)

    @precondition(lambda self: self.cookies)
    @rule(data=st.data())
    def put_a_cookie_back(self, data: st.DataObject) -> None:
        value = data.draw(st.sampled_from(self.cookies))
        self.browser.set_cookie("oauth_relogin", value, path="/oauth/authorize")

    @precondition(lambda self: self.backs)
    @rule(data=st.data())
    def sign_in(self, data: st.DataObject) -> None:
        back = data.draw(st.sampled_from(self.backs))
        self.backs.remove(back)
        self.sign_ins += 1
        # Two within one second would be one.
        self.site.signed_in_at = int(time.time()) + self.sign_ins  # type: ignore[attr-defined]
        self.take(self.browser.get(back), fresh="prompt=login" in back)


@pytest.mark.parametrize("skips", [True, False])
def test_no_sequence_of_tabs_and_forms_gives_a_code_without_its_sign_in(make_site: MakeSite, skips: bool) -> None:
    """The app tells when its users signed in: else nobody could know who only pretends to come back from there."""
    site = make_site(OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None)
    site.gateway.login_details(lambda _: {"auth_time": site.signed_in_at, "acr": site.acr})  # type: ignore[attr-defined]
    client = site.register(skip_consent=skips)
    run_state_machine_as_test(
        type("Tabs", (Tabs,), {"site": site, "client": client}),
        settings=settings(
            max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
