"""A process's first request, after a start or a fork, does little more than the next: only connecting comes on top.

Calls of Python functions are counted, as they are the same on a busy machine. Connecting happens in two places: where the
engine is made and the tables' version is read, and where a connection is taken out of the pool.
"""

import json
import os
from typing import Any

import pytest

from tests.support.app import MakeApp, basic, register, token_for
from tests.support.processes import finished, fresh_python

TIMES = 5
#: MariaDB's dialect is known only once it has connected, so there each statement is compiled when it is first used.
KNOWN_AHEAD = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
SCRIPT = """
import encodings.idna  # Werkzeug's first request needs it
import json, os, sys
from io import BytesIO
from flask import Flask
from flask_oauth_gateway import OAuthGateway, require_token

uri, how, method, path, body = sys.argv[1:]
app = Flask("first")
app.config.update(SECRET_KEY="only for tests", OAUTH_DATABASE_URI=uri, OAUTH_SCOPES={"read": "Read"})
OAuthGateway(app)

@app.get("/protected")
@require_token("read")
def protected():
    return {}

def ask(method, path, body=b""):
    said = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": os.environ["SENT"], "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr,
    }
    b"".join(app.wsgi_app(environ, lambda status, headers, error=None: said.append(status)))
    return said[0]

CONNECTING = {("engine.py", "engine"), ("prepared.py", "lend")}

def counted():
    calls = [0]
    connecting = [0]

    def note(frame, event, argument):
        code = frame.f_code
        is_connecting = (os.path.basename(code.co_filename), code.co_name) in CONNECTING
        if event == "call":
            calls[0] += not connecting[0]
            connecting[0] += is_connecting
        elif event == "return":
            connecting[0] -= is_connecting

    before = set(sys.modules)
    sys.setprofile(note)
    try:
        status = ask(method, path, body.encode())
    finally:
        sys.setprofile(None)
    assert status == "200 OK", status
    return calls[0], sorted(set(sys.modules) - before)

if how == "start":
    print(json.dumps([counted(), counted()]))
elif os.fork() == 0:
    print(json.dumps([counted(), counted()]), flush=True)
    os._exit(0)
else:
    os.wait()
"""


@pytest.mark.parametrize("database_uri", KNOWN_AHEAD, indirect=True)
@pytest.mark.parametrize(
    ("work", "how"), [("view", "start"), ("token", "start"), ("token", "fork"), ("introspect", "start")]
)
def test_it_imports_nothing_and_calls_few_functions(make_app: MakeApp, database_uri: str, work: str, how: str) -> None:
    app = make_app(OAUTH_SCOPES={"read": "Read"})
    client = register(app, scope=["read"])
    token = token_for(app.test_client(), client)["access_token"]
    method, path, body = {
        "view": ("GET", "/protected", ""),
        "token": ("POST", "/oauth/token", "grant_type=client_credentials"),
        "introspect": ("POST", "/oauth/introspect", f"token={token}"),
    }[work]
    sent = f"Bearer {token}" if work == "view" else basic(client.client_id, client.client_secret)["Authorization"]
    said: Any = finished(
        fresh_python("-c", SCRIPT, database_uri, how, method, path, body, env={**os.environ, "SENT": sent})
    )
    (first, imported), (second, _) = json.loads(said)
    assert imported == []
    assert second < first <= TIMES * second
