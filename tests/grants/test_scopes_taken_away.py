"""Refreshing under a plan, on every database: PostgreSQL does it in one statement, save where a plan decides."""

from types import SimpleNamespace

from tests.support.app import MakeApp, register, token_for


def test_a_refresh_gives_what_the_plan_has_by_then(make_app: MakeApp) -> None:
    app = make_app(
        OAUTH_PLANS={"free": {"scopes": ["weather:read"]}, "all": {}}, OAUTH_GRANT_TYPES=["password", "refresh_token"]
    )
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    gateway.check_password(lambda username, _: SimpleNamespace(id=username))
    registered = register(app, grant_types=["password", "refresh_token"], plan="all")
    answer = token_for(client, registered, grant_type="password", username="alice", password="secret")
    assert answer["scope"] == "weather:read weather:write"
    for plan, scope in (("free", "weather:read"), ("all", "weather:read weather:write")):
        gateway.clients.update(registered.client_id, plan=plan)
        answer = token_for(client, registered, grant_type="refresh_token", refresh_token=answer["refresh_token"])
        assert answer["scope"] == scope
