"""`/oauth/tokens/leaked`: whoever found a token where it isn't safe ends it, and learns nothing."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from flask_oauth_gateway.signals import token_revoked
from flask_oauth_gateway.tokens.personal.leaked import place_without
from tests.support import personal
from tests.support.app import recorded, refusal
from tests.support.databases import every_database
from tests.support.site import READ, MakeSite, Site
from tests.support.statements import statements_of
from tests.support.stored import audit_of, database_of

PLACE = "https://github.com/acme/app/blob/0123456789abcdef0123456789abcdef01234567/.env#L1"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**personal.ON)


def report(site: Site, **form: Any) -> TestResponse:
    return site.app.test_client().post("/oauth/tokens/leaked", data=form)


def alert(site: Site, body: Any) -> TestResponse:
    return site.app.test_client().post("/oauth/tokens/leaked", json=body)


@every_database
def test_every_kind_of_token_is_ended_and_who_finds_it_tells_where(site: Site) -> None:
    client, jwts = site.register(), site.register(access_token_format="jwt")
    opaque, jwt, of_refresh = site.tokens(client), site.tokens(jwts), site.tokens(client)
    mine, kept = personal.make(site), personal.make(site)
    ends = [
        (opaque["access_token"], client.client_id),
        (jwt["access_token"], jwts.client_id),
        (of_refresh["refresh_token"], client.client_id),
        (mine, "personal-access-tokens"),
    ]
    with recorded(token_revoked, site.app) as told:
        response = alert(
            site, [{"token": token, "type": "acme_token", "url": PLACE, "source": "commit"} for token, _ in ends]
        )
    assert (response.status_code, response.get_json()) == (200, {"received": 4})
    for token in (opaque["access_token"], jwt["access_token"], of_refresh["access_token"], mine):
        assert not site.is_live(token)
    refusal(site.refresh(client, of_refresh["refresh_token"]), 400, "invalid_grant")
    assert site.is_live(kept)
    assert site.is_live(site.refresh(client, opaque["refresh_token"]).get_json()["access_token"]), "it wasn't found"
    assert [(each["client_id"], each["subject"], each["reason"], each["found_at"]) for each in told] == [
        (client_id, "alice", "leaked", PLACE) for _, client_id in ends
    ]
    entries = audit_of(site.app).newest(10, {"event": "token_revoked"})
    assert [(row.details["reason"], row.details["found_at"], row.details["by"]) for row in entries] == [
        ("leaked", PLACE, "a report of a leak")
    ] * 4


def test_the_answer_is_the_same_whatever_the_text_is(site: Site) -> None:
    live, dead = personal.make(site), personal.make(site)
    site.gateway.tokens.revoke(token=dead)
    with recorded(token_revoked, site.app) as told:
        answers = {
            (response.status_code, response.text, str(sorted(response.headers.items())))
            for response in (
                report(site, token=text)
                for text in (
                    live,
                    dead,
                    live,
                    live[:-1] + "x",
                    "no token",
                    "eyJhbGciOiJub25lIn0.e30.x",
                    "x" * 20_000,
                    "ü\u202e",
                )
            )
        }
    assert len(answers) == 1
    assert len(told) == 1, "what ends nothing says nothing"


def test_what_is_no_report_is_said(site: Site) -> None:
    post = site.app.test_client().post
    for body in ({}, [{}], [{"token": 5}], [5], 5, None, [None], [["x"]], [""], [], ["x"] * 101, {"token": ""}):
        refusal(alert(site, body), 400, "invalid_request")
    for raw in (b"", b"{", b"[" * 100_000, b"\xff"):
        answer = post("/oauth/tokens/leaked", data=raw, content_type="application/json")
        assert answer.status_code == 400
    refusal(report(site), 400, "invalid_request")
    refusal(report(site, token=""), 400, "invalid_request")
    refusal(post("/oauth/tokens/leaked?token=x", data={"token": "x"}), 400, "invalid_request")
    big = post("/oauth/tokens/leaked", data=json.dumps(["x" * 200_000]), content_type="application/json")
    assert big.status_code == 413
    for body in ("x", ["x", "\ud800"], {"token": "x"}, [{"token": "x", "url": 5}], [{"token": "x", "url": "\ud800"}]):
        assert alert(site, body).status_code == 200
    refusal(report(site, token=" \n"), 400, "invalid_request")
    refusal(alert(site, ["\n"]), 400, "invalid_request")
    assert report(site, token=["x"] * 99, url="x").get_json() == {"received": 99}


def test_one_of_a_client_that_is_off_does_not_come_back_with_it(site: Site) -> None:
    client, jwts = site.register(), site.register(access_token_format="jwt")
    tokens = [site.tokens(each)["access_token"] for each in (client, jwts)]
    for each in (client, jwts):
        site.gateway.clients.update(each.client_id, enabled=False)
    report(site, token=tokens)
    for each in (client, jwts):
        site.gateway.clients.update(each.client_id, enabled=True)
    assert [site.is_live(token) for token in tokens] == [False, False]


def test_an_address_sends_so_many_reports(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_RATE_LIMITS={"leaked": "2/minute"})
    token = personal.make(site)
    assert [report(site, token="x").status_code for _ in range(2)] == [200, 200]
    refused = report(site, token=token)
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert site.is_live(token)


def test_of_where_it_was_found_no_secret_is_kept(site: Site) -> None:
    token, other = personal.make(site), personal.make(site)
    place = f"https://user:{'p' * 9}@paste.example/?a={token}&b={other}&c=\u202e\n"
    with recorded(token_revoked, site.app) as told:
        report(site, token=token, url=place.replace("\n", ""))
    (found,) = (each["found_at"] for each in told)
    assert found.startswith("https://...@paste.example/?a=...&b=...&c=")
    for secret in (token, other, "ppppppppp", token[-30:]):
        assert secret not in found
    assert len(place_without(token, "x " * 5000)) < 600
    assert place_without("t", PLACE).endswith(".env#L1".replace("t", "..."))
    assert READ


def test_the_end_of_a_file_s_line_belongs_to_no_token(site: Site) -> None:
    in_a_form, in_json = personal.make(site), personal.make(site)
    assert report(site, token=f"{in_a_form}\n").get_json() == {"received": 1}
    assert alert(site, [f" {in_json}\r\n"]).get_json() == {"received": 1}
    assert [site.is_live(in_a_form), site.is_live(in_json)] == [False, False]


def test_where_the_app_can_t_tell_of_one_the_others_are_ended_all_the_same(site: Site) -> None:
    tokens = [personal.make(site) for _ in range(3)]

    def fail(_: Any, **__: Any) -> None:
        raise RuntimeError("the mail server is away")

    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    with token_revoked.connected_to(fail, site.app):
        assert report(site, token=tokens).status_code == 500
    assert not any(site.is_live(token) for token in tokens)
    assert report(site, token=tokens).status_code == 200


def test_from_one_address_no_more_is_to_be_remembered_of_a_client_than_it_may_revoke_itself(
    make_site: MakeSite,
) -> None:
    site = make_site(**personal.ON, OAUTH_RATE_LIMITS={"revoke": "1/minute"})
    client, other = (site.register(access_token_format="jwt") for _ in range(2))
    jwts = [site.tokens(each)["access_token"] for each in (client, client, other)]
    mine = personal.make(site)
    assert report(site, token=[*jwts, mine]).status_code == 429
    assert [site.is_live(token) for token in (*jwts, mine)] == [False, True, False, False], "the others aren't held up"
    elsewhere = site.app.test_client().post(
        "/oauth/tokens/leaked", data={"token": jwts}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    assert elsewhere.status_code == 200
    assert not site.is_live(jwts[1])


def test_one_that_leaked_empties_nobody_s_memory_of_the_others(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_TOKEN_CACHE_SECONDS=300)
    leaked, other = personal.make(site), personal.make(site)
    assert [site.is_live(leaked), site.is_live(other)] == [True, True]
    report(site, token=leaked)
    assert not site.is_live(leaked)
    with statements_of(database_of(site.app).engine) as statements:
        assert site.is_live(other)
    assert not [text for text, _ in statements if "oauth_access_token" in text]
