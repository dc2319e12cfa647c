"""`OAuthGateway` on apps: factories, several of them, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ConfigurationError, ConfigurationWarning, OAuthGateway, current_token, require_token
from tests.support.app import SCOPES, MakeApp, ask, basic, bearer, close_app, is_accepted, refusal, register, token_for
from tests.support.databases import every_database


@pytest.fixture
def make_bare(tmp_path: Path) -> Any:
    """Builds apps without a gateway, each with an embedded database of its own by its name."""
    apps: list[Flask] = []

    def make_bare(name: str, **config: Any) -> Flask:
        app = Flask(name, instance_path=str(tmp_path / name))
        app.config.update(TESTING=True, OAUTH_SCOPES=SCOPES, **config)
        app.add_url_rule("/weather", "weather", require_token("weather:read")(lambda: {"for": current_token.client_id}))
        apps.append(app)
        return app

    yield make_bare
    for app in apps:
        if "oauth_gateway" in app.extensions:
            close_app(app)


def test_the_quick_start_works_with_the_embedded_database(make_bare: Any) -> None:
    app = make_bare("quick")
    gateway = OAuthGateway(app)
    assert app.extensions["oauth_gateway"] is gateway
    client = app.test_client()
    assert is_accepted(client, token_for(client, register(app))["access_token"])
    assert (Path(app.instance_path) / "oauth.db").exists()


def test_a_gateway_made_first_serves_the_app_of_a_factory(make_bare: Any) -> None:
    gateway = OAuthGateway()

    @gateway.token_attributes
    def attributes(*_: Any) -> dict[str, Any]:
        return {"plan": "gold"}

    with pytest.raises(RuntimeError, match=r"on no app yet: call init_app\(app\)"):
        gateway.clients.list()
    app = make_bare("factory")
    gateway.init_app(app)
    made = gateway.clients.create(client_name="x", grant_types=["client_credentials"])
    assert token_for(app.test_client(), made)["plan"] == "gold"
    assert gateway.settings.scopes == SCOPES


def test_two_apps_with_a_gateway_each_share_nothing(make_bare: Any) -> None:
    one, two = make_bare("one"), make_bare("two", OAUTH_URL_PREFIX="/auth", OAUTH_TOKEN_PREFIX="two_")
    gateways = [OAuthGateway(app) for app in (one, two)]
    gateways[0].token_attributes(lambda *_: {"plan": "gold"})
    made = register(one)
    token = token_for(one.test_client(), made)
    assert token["plan"] == "gold"
    assert not is_accepted(two.test_client(), token["access_token"])
    assert two.test_client().post("/oauth/token").status_code == 404
    assert gateways[1].clients.list() == []
    assert gateways[0].clients.get(made.client_id) is not None
    assert gateways[1].tokens.issue(register(two).client_id)["access_token"].startswith("two_")
    assert "plan" not in gateways[1].tokens.issue(gateways[1].clients.list()[0].client_id)


def test_one_gateway_on_two_apps_is_asked_inside_of_one(make_bare: Any) -> None:
    gateway = OAuthGateway()
    one, two = make_bare("one"), make_bare("two")
    for app in (one, two):
        gateway.init_app(app)
    with pytest.raises(RuntimeError, match=r"on several apps: use it inside `with app.app_context\(\):`"):
        gateway.clients.list()
    with one.app_context():
        made = gateway.clients.create(client_name="of one", grant_types=["client_credentials"], scope="weather:read")
        assert len(gateway.clients.list()) == 1
    with two.app_context():
        assert gateway.clients.list() == []
    token = token_for(one.test_client(), made)["access_token"]
    assert is_accepted(one.test_client(), token)
    assert not is_accepted(two.test_client(), token)
    refusal(ask(two.test_client(), made), 401, "invalid_client")


@every_database
def test_two_processes_of_one_app_share_all_that_is_stored(make_app: MakeApp) -> None:
    one, two = make_app(), make_app()
    made = register(one)
    token = token_for(two.test_client(), made)["access_token"]
    assert is_accepted(one.test_client(), token)
    one.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert not is_accepted(two.test_client(), token)


def test_a_second_gateway_on_an_app_is_refused_with_an_instruction(app: Flask, gateway: OAuthGateway) -> None:
    for call in (lambda: gateway.init_app(app), lambda: OAuthGateway(app)):
        with pytest.raises(RuntimeError, match="'weather' has a gateway already: give each app one OAuthGateway"):
            call()
    assert app.extensions["oauth_gateway"] is gateway


def test_an_app_without_a_gateway_says_what_is_missing(make_bare: Any) -> None:
    client = make_bare("bare").test_client()
    with pytest.raises(RuntimeError, match=r"no gateway: call OAuthGateway\(app\) or gateway.init_app\(app\) first"):
        client.get("/weather", headers=bearer("x"))


def test_a_wrong_setting_stops_the_app_from_starting(make_bare: Any) -> None:
    app = make_bare("wrong", OAUTH_MAX_BODY="128k")
    with pytest.raises(ConfigurationError, match="OAUTH_MAX_BODY is '128k'; it may be a number"):
        OAuthGateway(app)
    assert "oauth_gateway" not in app.extensions
    app.config["OAUTH_MAX_BODY"] = 1000
    OAuthGateway(app)  # what was refused left nothing behind


def test_an_unknown_setting_is_a_warning_where_the_app_is_set_up(make_bare: Any) -> None:
    with pytest.warns(ConfigurationWarning, match="Did you mean OAUTH_SCOPES") as caught:
        OAuthGateway().init_app(make_bare("typo", OAUTH_SCOPS={}))
    assert caught[0].filename == __file__


def test_plain_http_for_the_issuer_is_let_through_in_testing_and_debug_alone(make_bare: Any) -> None:
    for number, flags in enumerate(({"TESTING": True}, {"DEBUG": True, "TESTING": False})):
        app = make_bare(f"relaxed{number}", OAUTH_ISSUER="http://auth.example")
        app.config.update(flags)
        OAuthGateway(app)
    app = make_bare("strict", OAUTH_ISSUER="http://auth.example")
    app.config["TESTING"] = False
    with pytest.raises(ConfigurationError, match="an https URL"):
        OAuthGateway(app)


# A grant of the app's own


def test_a_grant_of_the_app_s_own_is_named_by_module_and_class(make_app: MakeApp) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["client_credentials", "tests.support.lottery:LotteryGrant"])
    client, made = app.test_client(), register(app)
    answer = ask(client, made, grant_type="urn:example:lottery", number="7").get_json()
    assert (answer["expires_in"], answer["scope"], answer["token_type"]) == (77, "weather:read", "Bearer")
    assert is_accepted(client, answer["access_token"])
    found = app.extensions["oauth_gateway"].tokens.get(token=answer["access_token"])
    assert (found.subject, found.grant_type, found.client_id) == ("7", "urn:example:lottery", made.client_id)
    lost = refusal(ask(client, made, grant_type="urn:example:lottery", number="8"), 400, "invalid_grant")
    assert lost == "That is not the number."
    refusal(client.post("/oauth/token", data={"grant_type": "urn:example:lottery"}), 401, "invalid_client")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("lottery", "one of .*client_credentials.*, or 'module:Class'"),
        ("tests.support.lottery:Nothing", "'module:Class' of what can be imported"),
        ("tests.nowhere:LotteryGrant", "'module:Class' of what can be imported"),
        ("tests.support.lottery:NOT_A_GRANT", "one of .*client_credentials.*, or 'module:Class'"),
        (":", "'module:Class'"),
        ("tests.support.lottery:", "'module:Class'"),
    ],
)
def test_a_grant_that_is_not_there_stops_the_app_from_starting(make_bare: Any, name: str, allowed: str) -> None:
    with pytest.raises(ConfigurationError, match=f"OAUTH_GRANT_TYPES is '{name}'; it may be {allowed}"):
        OAuthGateway(make_bare("wrong", OAUTH_GRANT_TYPES=["client_credentials", name]))


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_every_view_has_a_name_by_which_other_extensions_know_it(make_app: MakeApp, form: str) -> None:
    app = make_app(OAUTH_ADMIN=True, OAUTH_FORWARD_AUTH=True, OAUTH_ACCESS_TOKEN_FORMAT=form)
    for endpoint, view in app.view_functions.items():
        if not endpoint.startswith("oauth.management_") or endpoint == "oauth.management_openapi":
            assert view.__name__, endpoint
            assert view.__module__ != "functools", endpoint


def test_a_grant_of_the_app_s_own_without_a_token_request_is_unsupported_at_the_token_endpoint(
    make_app: MakeApp,
) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["client_credentials", "tests.support.lottery:TicketGrant"])
    client = register(app, grant_types=["client_credentials", "urn:example:ticket"])
    headers = basic(client.client_id, client.client_secret)
    answer = app.test_client().post("/oauth/token", data={"grant_type": "urn:example:ticket"}, headers=headers)
    refusal(answer, 400, "unsupported_grant_type")
