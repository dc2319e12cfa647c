"""What only the server knows: why it refused a request, and what has become of a code. A real client is told neither.

The playground is in the same process as the server that it shows, and asks it for what `flask oauth explain` would say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, request
from sqlalchemy import select, update

from flask_oauth_gateway.authentication.secret import named_credentials
from flask_oauth_gateway.authorization_server import current_server
from flask_oauth_gateway.crypto.hashing import token_key
from flask_oauth_gateway.database.tables.tokens import access_token, code, device_code
from flask_oauth_gateway.doctor.explanations import explain
from flask_oauth_gateway.doctor.refused import Explanation, Refused
from flask_oauth_gateway.web.environ import CLIENT, NOTED

from ..flows.approval import said_in

#: Names the request of which an explanation is wanted.
HEADER = "X-Playground-Why"
TABLES = {
    "code": code.c.code_hash,
    "device_code": device_code.c.device_code_hash,
    "access_token": access_token.c.token_hash,
}


class Inside:
    """The server, as its own process knows it."""

    def __init__(self) -> None:
        self._server: Flask | None = None
        #: By the name of a request: its parameters, and the explanation as soon as there is one.
        self._wanted: dict[str, dict[str, str]] = {}
        self._told: dict[str, Explanation | None] = {}

    def watch(self, server: Flask) -> None:
        self._server = server
        server.after_request(self._look)

    def ask(self, name: str, parameters: dict[str, str]) -> dict[str, str]:
        """Ask for the explanation of a request with these parameters; returns the header that goes with it."""
        self._wanted[name] = parameters
        return {HEADER: name}

    def told(self, name: str) -> Explanation | None:
        """Return the explanation, and forget it."""
        self._wanted.pop(name, None)
        return self._told.pop(name, None)

    @contextmanager
    def kept(self, form: dict[str, str], *, ended: bool = False) -> Iterator[None]:
        """Put a code or token of a request back as it was before: what fails a check is spent, and the walk still needs it.

        `ended`: meanwhile it is too old.
        """
        name = next((name for name in TABLES if name in form), None)
        if self._server is None or name is None:
            yield
            return
        key = TABLES[name]
        with self._server.app_context():
            database, is_it = current_server().database, key == token_key(form[name])
            row = database.first(select(key.table).where(is_it))
            if ended:
                database.run(update(key.table).where(is_it).values(expires_at=key.table.c.issued_at))
        yield
        if row is not None:
            with self._server.app_context():
                before = {each: value for each, value in row._asdict().items() if each != key.name}
                current_server().database.run(update(key.table).where(is_it).values(**before))

    def _look(self, response: Response) -> Response:
        name = request.headers.get(HEADER, "")
        if name in self._wanted:  # nobody else's header makes anything be looked up
            self._told[name] = explanation(self._wanted[name], response)
        return response


def explanation(sent: dict[str, str], response: Response) -> Explanation | None:
    """Why the current request is refused; `None` where it isn't."""
    noted = request.environ.get(NOTED)
    said = response.get_json(silent=True) or {}
    _, _, brought = response.headers.get("Location", "").replace("#", "?", 1).partition("?")
    if brought:  # the app is told by way of the browser
        said = said_in(dict(parse_qsl(brought)))
    error = said.get("error") if noted is None else noted.error
    is_ours = "WWW-Authenticate" in response.headers or request.endpoint in current_server().own_endpoints
    if not isinstance(error, str) or not is_ours:
        return None
    header = request.headers.get("Authorization")
    client_id, secret, method = named_credentials(header, sent)
    client: Any = request.environ.get(CLIENT)
    scheme, _, token = (header or "").partition(" ")
    return explain(
        Refused(
            server=current_server(),
            error=error,
            description=said.get("error_description", "") if noted is None else noted.description,
            reason="" if noted is None else noted.reason,
            parameters=sent,
            client_id=client_id if client is None else client.client_id,
            secret=secret,
            method=method,
            token=token if scheme.lower() in ("bearer", "dpop") else None,
            needed="" if noted is None else noted.needed,
        )
    )
