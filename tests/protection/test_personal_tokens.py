"""`grant_types` shuts personal tokens out, wherever a view is protected, and whoever explains it says so."""

import asyncio
import json
from typing import Any

from flask_oauth_gateway import require_token
from tests.support import personal
from tests.support.app import basic, bearer
from tests.support.site import READ, MakeSite, Site

OTHERS = ("authorization_code", "refresh_token", "client_credentials")
PROTECT = [{"path": "/paths/*", "scopes": [READ], "grant_types": list(OTHERS)}]


def site_of(make_site: MakeSite, **config: Any) -> Site:
    site = make_site(**personal.ON, OAUTH_PROTECT=PROTECT, OAUTH_FORWARD_AUTH=True, **config)
    site.app.add_url_rule("/people", "people", require_token(READ, grant_types=OTHERS)(lambda: "for people"))
    site.app.add_url_rule("/scripts", "scripts", require_token(grant_types=("personal",))(lambda: "for scripts"))
    site.app.add_url_rule("/bound", "bound", require_token(bound=True)(lambda: "bound"))
    site.app.add_url_rule("/paths/x", "by_path", lambda: "by its path")
    return site


def test_a_view_that_names_other_grants_takes_none(make_site: MakeSite) -> None:
    site = site_of(make_site)
    other = site.post(
        site.register(grant_types=["client_credentials"]), "/oauth/token", grant_type="client_credentials"
    )
    mine, others = personal.make(site), other.get_json()["access_token"]

    def statuses(token: str) -> list[int]:
        get = site.app.test_client().get
        views = [get(path, headers=bearer(token)).status_code for path in ("/people", "/paths/x", "/scripts", "/bound")]
        asked = {"X-Original-URI": "/paths/x", "X-Original-Method": "GET", **bearer(token)}
        return [*views, get("/oauth/verify", headers=asked).status_code]

    assert statuses(mine) == [401, 401, 200, 401, 401]
    assert statuses(others) == [200, 200, 401, 401, 204]


def test_so_does_an_asgi_application(make_site: MakeSite) -> None:
    site, seen = site_of(make_site), []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append("reached")

    async def ask(token: str) -> int:
        scope = {
            "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())], "root_path": "",
            "client": ("192.0.2.7", 1), "server": ("localhost", 80), "asgi": {"version": "3.0"}, "http_version": "1.1",
        }  # fmt: skip
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        await site.gateway.asgi(application, READ, grant_types=OTHERS)(scope, receive, send)
        return int(sent[0]["status"]) if sent else 200

    assert asyncio.run(ask(personal.make(site))) == 401
    assert not seen
    assert asyncio.run(ask(site.tokens(site.register())["access_token"])) == 200
    assert seen


def test_what_lists_routes_and_explains_refusals_says_it(make_site: MakeSite) -> None:
    site = site_of(make_site)
    token = personal.make(site)
    run = site.app.test_cli_runner().invoke
    routes = json.loads(run(args=["oauth", "routes", "--json"]).output)
    asks = {row["path"]: row["asks"] for row in (routes["routes"] if isinstance(routes, dict) else routes)}
    assert sorted(OTHERS) == asks["/people"][0]["grant_types"]
    line = f"curl http://localhost/people -H 'Authorization: Bearer {token}'"
    explained = run(args=["oauth", "explain", "-"], input=f"{line}\n").output
    assert "comes from a grant that is not taken here" in explained
    assert token not in explained


def test_neither_userinfo_nor_the_management_api_takes_one(make_site: MakeSite) -> None:
    site = site_of(make_site, OAUTH_OIDC=True, OAUTH_ADMIN=True)
    site.gateway.is_admin(lambda _: True)
    token = personal.make(site)
    get = site.app.test_client().get
    assert get("/oauth/userinfo", headers=bearer(token)).status_code == 403
    assert get("/oauth/admin/api/clients", headers=bearer(token)).status_code == 403


def test_a_user_looks_after_their_own_apps_with_one_that_was_made_for_that(make_site: MakeSite) -> None:
    site = site_of(make_site, OAUTH_DEVELOPER=True)
    apps, other = personal.make(site, scope=["oauth:apps"]), personal.make(site)
    get = site.app.test_client().get
    assert get("/oauth/developer/api/apps", headers=bearer(apps)).status_code == 200
    assert get("/oauth/developer/api/apps", headers=bearer(other)).status_code == 403


def test_with_names_of_their_own_for_users_clients_hear_the_app_s_name_of_it_nowhere(make_site: MakeSite) -> None:
    site = make_site(
        **personal.ON, OAUTH_OIDC=True, OAUTH_SUBJECT_TYPES=["pairwise", "public"], OAUTH_PAIRWISE_SALT="salt " * 9
    )
    token = personal.make(site)
    reader = site.register(resource_server=True, grant_types=["client_credentials"])
    headers = basic(reader.client_id, reader.client_secret)
    told = site.app.test_client().post("/oauth/introspect", data={"token": token}, headers=headers).get_json()
    assert told["active"]
    assert told["sub"] != "alice"
    assert site.me(token)["subject"] == "alice"  # type: ignore[index]
