"""What a user is told before they allow something: what a client can do and can't, and what it would learn of them."""

import json
import time
from base64 import urlsafe_b64decode
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.app import bearer
from tests.support.site import MakeSite, Page, Site, answer, granted, location

SCOPES: dict[str, Any] = {
    "notes": {"description": "Do all with your notes", "not": "See your password"},
    "notes:read": {"description": "Read your notes", "not": ["notes:write", "Delete your notes", "See your password"]},
    "notes:write": "Write notes",
    "notes:delete": {"description": "delete your notes", "not": ()},
    "notes:share": {"description": "Share notes", "not": ["bare"]},
    "bare": "",
}
CLAIMS: dict[str, Any] = {
    "name": "Alice <b>Archer</b>", "email": "alice@example.com", "email_verified": True, "phone_number": "\u202e123",
        "phone_number_verified": False,
    "address": {"street_address": "1 High Street", "country": "England"}, "updated_at": 1_700_000_000,
        "nickname": "n" * 5000, "groups": ["a", {"b": 1}, None],
    "family_name#ja": "\u5f13", "birthdate": None, "gender": "", "locale": 5, "zoneinfo": [[[[["deep"]]]]],
        "website": "https://alice.example/",
}  # fmt: skip
EVERYTHING = "openid profile email address phone"


class Role(str, Enum):  # noqa: UP042 - its str() is not its value
    ADMIN = "admin"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(
        OAUTH_OIDC=True,
        OAUTH_SCOPES=SCOPES,
        OAUTH_SCOPE_IMPLIES={"notes": ["notes:read", "notes:write"]},
        OAUTH_SITE_NAME="Notes",
        OAUTH_SUBJECT_TYPES=["public", "pairwise"],
        OAUTH_PAIRWISE_SALT="a long and random salt for tests",
    )


def register(site: Site, **metadata: Any) -> Any:
    return site.register(**{"client_name": "Board", "scope": [*EVERYTHING.split(), *SCOPES]} | metadata)


def shown(site: Site, client: Any, scope: str, **parameters: Any) -> str:
    response = site.ask(client, scope=scope, **parameters)
    assert response.status_code == 200
    return Page(response).text


@pytest.mark.parametrize(
    ("scope", "limits"),
    [
        ("notes:read", "Write notes Delete your notes See your password"),
        ("notes:read notes:write", "Delete your notes See your password"),
        ("notes:read notes:write notes:delete", "See your password"),
        ("notes", "See your password"),
        ("notes notes:read", "See your password"),
        ("notes:share", "bare"),
        ("notes:write bare notes:delete", None),
    ],
)
def test_what_it_can_not_do_is_what_no_asked_scope_allows(site: Site, scope: str, limits: str | None) -> None:
    found = shown(site, register(site), scope)
    if limits is None:
        assert "It will not be able to" not in found
    else:
        assert f"It will not be able to: {limits} Details" in found


def test_scopes_are_words_and_their_names_stand_behind_details(site: Site) -> None:
    found = shown(site, register(site), "notes:write bare")
    assert "It will be able to: Write notes bare Details notes:write Write notes bare You will be sent to" in found


def test_claims_are_shown_with_what_userinfo_then_says(site: Site) -> None:
    site.gateway.user_claims(lambda *_: CLAIMS)
    client = register(site)
    page = site.ask(client, scope=EVERYTHING)
    found = Page(page).text
    for words in (
        "Sign you in always needed Your account's identifier: alice groups: a, b: 1",
        "Your name: Alice <b>Archer</b>",
        "Your email address: alice@example.com Your email address is confirmed: yes",
        "Your phone number: 123 Your phone number is confirmed: no",
        "Your address: 1 High Street, England",
        "Your profile was last changed: November 14, 2023",
        f"Your nickname: {'n' * 200}\N{HORIZONTAL ELLIPSIS}",
        "Your family name: \u5f13",
        "Your language: 5",
    ):
        assert words in found, words
    assert "<b>Archer" not in page.text
    assert "n" * 201 not in found
    assert "\u202e" not in page.text
    for unsaid in ("date of birth", "gender", "None"):
        assert unsaid not in found
    tokens = site.tokens(client, scope=EVERYTHING)
    said = site.app.test_client().get("/oauth/userinfo", headers=bearer(tokens["access_token"])).get_json()
    assert said == {"sub": "alice", **{name: value for name, value in CLAIMS.items() if value is not None}}


def test_only_what_the_asked_scopes_let_out_is_shown(site: Site) -> None:
    asked: list[frozenset[str]] = []

    def claims(user: Any, scopes: frozenset[str]) -> dict[str, Any]:
        asked.append(scopes)
        return {"name": f"The name of {user.name}", "email": "alice@example.com", "sub": "mallory", "iss": "elsewhere"}

    site.gateway.user_claims(claims)
    found = shown(site, register(site), "openid email notes:read")
    assert asked == [{"openid", "email", "notes:read"}], "asked once"
    assert "alice@example.com" in found
    for unsaid in ("The name of", "mallory", "elsewhere"):
        assert unsaid not in found
    shown(site, register(site), "profile email")
    assert len(asked) == 1, "nobody learns anything of whom nobody signs in"


def test_what_is_asked_for_by_name_is_shown_too(site: Site) -> None:
    site.gateway.user_claims(lambda *_: {"email": "alice@example.com", "shoe_size": 44, "name": "Alice"})
    found = shown(
        site, register(site), "openid", claims='{"userinfo": {"email": null}, "id_token": {"shoe_size": null}}'
    )
    assert "See this about you: email Your email address: alice@example.com" in found
    assert "shoe_size: 44" in found
    assert "Your name" not in found


def test_a_pairwise_name_is_the_one_that_is_sent(site: Site) -> None:
    client = register(site, subject_type="pairwise")
    found = shown(site, client, "openid")
    assert "A name for you that no other application knows:" in found
    tokens = site.tokens(client, scope="openid")
    said = site.app.test_client().get("/oauth/userinfo", headers=bearer(tokens["access_token"])).get_json()
    assert said["sub"] != "alice"
    assert f"no other application knows: {said['sub']} " in found


@pytest.mark.parametrize(
    "given",
    [RuntimeError("alice's secret"), ["no dict"], {5: "x"}, {"email": object()}, {"email": float("nan")}, None, {}],
)
def test_a_hook_that_fails_leaves_the_page_as_it_was(site: Site, given: Any, caplog: pytest.LogCaptureFixture) -> None:
    def claims(*_: Any) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    site.gateway.user_claims(claims)
    found = shown(site, register(site), "openid email")
    assert "See your email address" in found
    assert "Your email address" not in found
    assert "alice's secret" not in caplog.text
    assert ("user_claims hook failed" in caplog.text) is bool(given)


def test_a_mountain_of_claims_is_cut(site: Site) -> None:
    site.gateway.user_claims(lambda *_: {f"claim{number}": {"a" * 99: ["b" * 99] * 999} for number in range(500)})
    page = site.ask(register(site), scope="openid")
    assert page.status_code == 200
    assert len(page.text) < 30_000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Al\ud800ice"}, "Your name: Al ice "),
        ({"\ud800shoe": 44}, "shoe: 44 "),
        ({"name": Role.ADMIN, "groups": [Role.ADMIN]}, "groups: admin See your profile"),
        ({"name": Role.ADMIN}, "Your name: admin "),
        ({"groups": [*range(25)]}, ", 19, \N{HORIZONTAL ELLIPSIS} "),
        ({f"c{number}": number for number in range(43)}, "c39: 39 \N{HORIZONTAL ELLIPSIS}: c40, c41, c42 "),
        ({"address": {"formatted": "1 High St\n\nBath", "locality": "Bath", "country": "UK"}}, "1 High St, Bath, UK "),
    ],
)
def test_whatever_the_hook_gives_is_shown_as_it_is_sent(site: Site, given: dict[str, Any], words: str) -> None:
    site.gateway.user_claims(lambda *_: given)
    found = shown(site, register(site), EVERYTHING).replace(":", ": ").replace("  ", " ")
    assert words in found


def test_a_claim_of_a_scope_that_another_one_includes_stands_beside_that(make_site: MakeSite) -> None:
    site = make_site(
        OAUTH_OIDC=True,
        OAUTH_SCOPES={"all": "Do all", "work": "See your work"},
        OAUTH_SCOPE_IMPLIES={"all": ["work"]},
        OAUTH_CLAIMS={"work": ["employer"]},
    )
    site.gateway.user_claims(lambda *_: {"employer": "Acme"})
    client = site.register(scope="openid all work")
    assert "Do all employer: Acme" in Page(site.ask(client, scope="openid all work")).text
    tokens = site.tokens(client, scope="openid all work")
    assert said_of(site, tokens)["employer"] == "Acme"


def said_of(site: Site, tokens: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = (
        site.app.test_client().get("/oauth/userinfo", headers=bearer(tokens["access_token"])).get_json()
    )
    return said


def test_what_is_shown_is_what_is_sent(make_site: MakeSite) -> None:
    """Whichever scopes and claims are asked for, and ticked or not: nothing leaves the server that the page didn't say."""
    config = {
        "OAUTH_CLAIMS": {"work": ["employer"]},
        "OAUTH_SCOPE_IMPLIES": {"all": ["work"]},
        "OAUTH_RATE_LIMITS": None,
    }
    site = make_site(OAUTH_OIDC=True, OAUTH_SCOPES={"all": "Do all", "work": "See your work"}, **config)
    names = ["name", "email", "email_verified", "phone_number", "employer", "shoe_size", "nickname"]
    site.gateway.user_claims(lambda *_: {name: f"<{name}>" for name in names})
    client = site.register(scope=f"{EVERYTHING} all work")

    @settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
    @given(
        scopes=st.sets(st.sampled_from(["profile", "email", "phone", "all", "work"])),
        asked=st.fixed_dictionaries({place: st.sets(st.sampled_from(names)) for place in ("userinfo", "id_token")}),
        refused=st.sets(st.integers(0, 9)),
    )
    def check(scopes: set[str], asked: dict[str, set[str]], refused: set[int]) -> None:
        claims = json.dumps({place: dict.fromkeys(sorted(these)) for place, these in asked.items()})
        scope = " ".join(["openid", *sorted(scopes)])
        page = Page(site.ask(client, scope=scope, claims=claims, prompt="consent"))
        ticked = [box for number, box in enumerate(page.boxes) if number not in refused or box == "openid"]
        code = answer(location(site.send(page, " ".join(ticked))))["code"]
        tokens = granted(site.redeem(client, code))
        middle = tokens["id_token"].split(".")[1]
        said = said_of(site, tokens) | json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        sent = {name for name in names if name in said}
        on_page = {name for name in names if f"<{name}>" in page.text}
        assert sent <= on_page
        if ticked == [*page.boxes]:
            assert sent == on_page

    check()


def test_a_device_says_the_same(site: Site) -> None:
    site.gateway.user_claims(lambda *_: {"email": "alice@example.com"})
    client = register(site, grant_types=["urn:ietf:params:oauth:grant-type:device_code"], redirect_uris=[])
    codes = site.post(client, "/oauth/device_authorization", scope="openid email notes:read").get_json()
    form = {"form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"), "user_code": codes["user_code"]}
    confirm = Page(site.browser.post("/oauth/device", data=form))
    assert "Board wants access to your Notes account" in confirm.text
    assert "See your email address Your email address: alice@example.com" in confirm.text
    assert "It will not be able to: Write notes Delete your notes See your password" in confirm.text


def test_what_was_granted_before_is_shown_with_its_values_and_the_page_of_approvals_says_what_it_is(site: Site) -> None:
    site.gateway.user_claims(lambda *_: {"email": "alice@example.com"})
    client = register(site)
    site.gateway.clients.update(client.client_id, verified=True)
    site.tokens(client, scope="openid email notes:read")
    found = shown(site, client, "openid email notes:write")
    assert (
        "You have granted this before: Sign you in Your account's identifier: alice See your email address Your email"
        in found
    )
    approvals = Page(site.browser.get("/oauth/applications")).text
    assert "Board Verified by Notes" in approvals
    assert "It will not be able to: Write notes Delete your notes See your password Details" in approvals
    assert "alice@example.com" not in approvals
    assert time.strftime("%Y") in approvals
