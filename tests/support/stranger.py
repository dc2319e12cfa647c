"""Makes a client one that nobody here registered by hand, without the way by which such a client comes."""

from flask import Flask
from sqlalchemy import update

from flask_oauth_gateway.database.tables import client as client_table
from flask_oauth_gateway.stores.registered_client import REGISTRATION, Client
from tests.support.app import server_of


def make_stranger(app: Flask, client: Client, origin: str = REGISTRATION, used_at: int | None = None) -> Client:
    """The same client, with an origin."""
    server = server_of(app)
    mine = update(client_table).where(client_table.c.id == client.key).values(origin=origin, used_at=used_at)
    with app.app_context():
        server.database.run(mine)
        found = server.clients.load(client.client_id)
    assert found is not None
    return found if client.client_secret is None else found.with_secret(client.client_secret)
