"""How many clients may register, and which of them are deleted: those that no user has allowed anything, and that nobody uses."""

from typing import Any

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, server_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.racing import together
from tests.support.registering import CALLBACK, NATIVE, OPEN, as_client, manage, refused, register, registered, stored
from tests.support.site import MakeSite, granted
from tests.support.statements import statements_of

DAY = 86400


def test_an_address_registers_so_often_and_no_more(make_app: MakeApp) -> None:
    app = make_app(**OPEN | {"OAUTH_RATE_LIMITS": {"register": "3/hour"}})
    http = app.test_client()
    found = registered(http, **NATIVE)
    refused(register(http), "invalid_redirect_uri")
    assert manage(http, "PUT", found, client_id=found["client_id"], **NATIVE).status_code == 200
    response = register(http, **NATIVE)
    refused(response, "temporarily_unavailable", 429)
    assert int(response.headers["Retry-After"]) > 0
    assert manage(http, "GET", found).status_code == 200
    elsewhere = http.post("/oauth/register", json=NATIVE, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 201


@every_database
def test_the_oldest_that_no_user_allowed_anything_make_room(make_site: MakeSite) -> None:
    site = make_site(**OPEN, OAUTH_REGISTRATION_MAX=3)
    http, by_hand = site.app.test_client(), site.register()
    finished, half = registered(http, redirect_uris=[CALLBACK]), registered(http, redirect_uris=[CALLBACK])
    tokens = site.tokens(as_client(site.app, finished))
    client = as_client(site.app, half)
    code = site.code(client)  # and the client has yet to come for its token
    others = [registered(http, redirect_uris=[CALLBACK]) for _ in range(5)]
    assert [stored(site.app, each) is not None for each in others] == [False, False, True, True, True]
    assert site.is_live(tokens["access_token"])
    assert granted(site.redeem(client, code))
    assert site.gateway.clients.get(by_hand.client_id)
    refused(manage(http, "GET", others[0]), "invalid_token", 401)


@every_database
def test_of_many_that_register_at_once_none_that_has_just_finished_is_deleted(make_site: MakeSite) -> None:
    """Two processes; a user finishes each flow while others push the client out."""
    sites = [make_site(**OPEN, OAUTH_REGISTRATION_MAX=2) for _ in range(2)]
    lost: list[Any] = []

    def flow(number: int) -> None:
        site = sites[number % 2]
        http = site.app.test_client()
        for _ in range(3):
            found = registered(http, redirect_uris=[CALLBACK])
            server = server_of(site.app)
            client = server.clients.load(found["client_id"])
            if client is None:  # pushed out before its user came
                continue
            with site.app.app_context():
                server.last_used.note_client(client)
            now = server.clients.load(found["client_id"])
            if now is not None:
                lost.append((site.app, now))

    together(6, flow)
    assert lost
    registered(sites[0].app.test_client(), **NATIVE)
    assert all(server_of(app).clients.load(client.client_id) for app, client in lost)
    clients = server_of(sites[0].app).clients.list()
    assert len([each for each in clients if each.used_at is None]) <= 2


@every_database
def test_without_use_for_long_a_client_goes_with_its_tokens_and_none_by_hand(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(**OPEN, OAUTH_REGISTRATION_UNUSED_DAYS=10, OAUTH_REFRESH_TOKEN_LIFETIME=365 * DAY)
    http, by_hand = site.app.test_client(), site.register()
    used, idle, never = (registered(http, redirect_uris=[CALLBACK]) for _ in range(3))
    away = as_client(site.app, idle)
    tokens, old = site.tokens(as_client(site.app, used)), site.tokens(away)
    clock.advance(6 * DAY)
    refreshed = granted(site.refresh(as_client(site.app, used), tokens["refresh_token"]))
    server_of(site.app).last_used.close()  # writes what waits
    clock.advance(6 * DAY)
    purged = site.app.test_cli_runner().invoke(args=["oauth", "token", "purge"])
    assert purged.exit_code == 0, purged.output
    assert [stored(site.app, each) is not None for each in (used, idle, never)] == [True, False, False]
    assert site.gateway.clients.get(by_hand.client_id)
    assert granted(site.refresh(as_client(site.app, used), refreshed["refresh_token"]))
    refused(site.refresh(away, old["refresh_token"]), "invalid_client", 401)


def test_a_use_is_written_once_a_day_and_for_clients_by_hand_never(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(**OPEN)
    found, by_hand = registered(site.app.test_client(), redirect_uris=[CALLBACK]), site.register()
    client = as_client(site.app, found)

    def used_at(which: Client) -> int | None:
        site.tokens(which)
        server_of(site.app).last_used.close()
        now = site.gateway.clients.get(which.client_id)
        assert now is not None
        assert now.version == 1
        return now.used_at

    first = used_at(client)
    assert first is not None
    clock.advance(3600)
    assert used_at(client) == first
    clock.advance(2 * DAY)
    later = used_at(client)
    assert later is not None
    assert later >= first + 2 * DAY
    assert used_at(by_hand) is None


def test_a_registration_takes_two_statements(make_app: MakeApp) -> None:
    app = make_app(**OPEN)
    http = app.test_client()
    registered(http, **NATIVE)
    for metadata, most in ((NATIVE, 1), ({"redirect_uris": [CALLBACK]}, 2)):
        with statements_of(server_of(app).database.engine) as told:
            registered(http, **metadata)
        assert len([statement for statement, _ in told if "oauth_" in statement]) == most, told
