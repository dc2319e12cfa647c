"""Names that look alike are not the same, and long or unusual ones come back as they went in, on every database."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import basic, token_for
from tests.support.stored import audit_of, clients_of, register, status_with, tokens_of

LOOK_ALIKE = [
    "jose",
    "Jose",
    "JOSE",
    "josé",
    "jose\u0301",
    "jose ",
    " jose",
    "jose  ",
    "ĵose",
    "jo\u00adse",
    "jose\u200b",
]


def test_subjects_that_look_alike_are_different_people(app: Flask, database_uri: str) -> None:
    names = LOOK_ALIKE
    if database_uri.startswith("mysql"):  # a mysql:// URL pads with spaces; a mariadb:// one doesn't
        names = [name for name in names if name == name.rstrip()]
    registered = register(app)
    with app.app_context():
        tokens = {name: tokens_of(app).issue(registered.client_id, subject=name)["access_token"] for name in names}
        for name, token in tokens.items():
            found = tokens_of(app).find(subject=name).tokens
            assert [each.subject for each in found] == [name]
            assert tokens_of(app).get(token=token).subject == name  # type: ignore[union-attr]
        for number, (name, token) in enumerate(tokens.items(), 1):
            assert tokens_of(app).revoke(subject=name) == 1, name
            assert status_with(app, token) == 401
            assert len(tokens_of(app).find().tokens) == len(tokens) - number


def test_client_ids_that_look_alike_are_different_clients(app: Flask, client: FlaskClient) -> None:
    names = ["station", "Station", "STATION", "station ", " station", "station  ", "stat1on"]
    clients = {name: register(app, client_id=name, client_name=name) for name in names}
    for name, registered in clients.items():
        token = token_for(client, registered)["access_token"]
        with app.app_context():
            assert tokens_of(app).get(token=token).client_id == name  # type: ignore[union-attr]
        for other in names:
            data = {"grant_type": "client_credentials"}
            headers = basic(other, registered.client_secret or "")
            expected = 200 if other == name else 401
            assert client.post("/oauth/token", data=data, headers=headers).status_code == expected, (name, other)
    with app.app_context():
        clients_of(app).delete("station")
        left = {client.client_id for client in clients_of(app).list()}
    assert left == set(names) - {"station"}


def test_the_longest_names(app: Flask, client: FlaskClient) -> None:
    longest = "c" * 2047
    one, two = (register(app, client_id=longest + end, client_name="n" * 2048) for end in "xy")
    token = token_for(client, one)["access_token"]
    assert token_for(client, two)
    subject = "s" * 254 + "é"
    with app.app_context():
        assert tokens_of(app).get(token=token).client_id == longest + "x"  # type: ignore[union-attr]
        minted = tokens_of(app).issue(two.client_id, subject=subject)["access_token"]
        assert [each.subject for each in tokens_of(app).find(subject=subject).tokens] == [subject]
        clients_of(app).update(one.client_id, owner="o" * 255)
        assert {entry.client_id for entry in audit_of(app).newest(100)} == {one.client_id, two.client_id}
        clients_of(app).delete(two.client_id)
    assert [status_with(app, each) for each in (token, minted)] == [200, 401]


def test_four_byte_characters(app: Flask) -> None:
    name = "Wetter 🌦️ \U0001d518\U0010fffd"
    registered = register(app, client_name=name, attributes={"🌡": ["☃", {"深": "い"}]})
    with app.app_context():
        found = clients_of(app).get(registered.client_id)
        assert found is not None
        assert found.client_name == name
        assert found.attributes == {"🌡": ["☃", {"深": "い"}]}
        token = tokens_of(app).issue(registered.client_id, subject="👩‍🚀", attributes={"mood": "🙂"})["access_token"]
        kept = tokens_of(app).get(token=token)
        assert kept is not None
        assert (kept.subject, kept.attributes) == ("👩‍🚀", {"mood": "🙂"})
        assert not tokens_of(app).find(subject="👩").tokens
        audit_of(app).flush()
        assert any(entry.subject == "👩‍🚀" for entry in audit_of(app).newest(5))


def test_long_lists_of_scopes(make_app: Callable[..., Flask]) -> None:
    scopes = {f"scope:{number:04}:{'x' * 40}": "One of many" for number in range(1000)}
    app = make_app(OAUTH_SCOPES={"weather:read": "Read", **scopes})
    wanted = " ".join(["weather:read", *scopes])
    registered = register(app, scope=wanted)
    answer = token_for(app.test_client(), registered, scope=wanted)
    assert answer["scope"] == wanted
    assert status_with(app, answer["access_token"]) == 200
    with app.app_context():
        assert tokens_of(app).get(token=answer["access_token"]).scope == wanted  # type: ignore[union-attr]
