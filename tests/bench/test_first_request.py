"""A process's first request, after a start or a fork, does little more than the next: only connecting comes on top.

Calls of Python functions are counted, as they are the same on a busy machine. Connecting happens in two places: where the
engine is made and the tables' version is read, and where a connection is taken out of the pool.
"""

import json
import subprocess
from collections.abc import Iterator

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

def app_on(uri, token_format):
    app = Flask("first")
    app.config.update(SECRET_KEY="only for tests", OAUTH_DATABASE_URI=uri, OAUTH_SCOPES={"read": "Read"})
    app.config.update(OAUTH_ACCESS_TOKEN_FORMAT=token_format, OAUTH_ISSUER="http://127.0.0.1")
    OAuthGateway(app)

    @app.get("/protected")
    @require_token("read")
    def protected():
        return {}

    return app

def ask(app, sent, method, path, body):
    said = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1", "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": sent, "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr,
    }
    b"".join(app.wsgi_app(environ, lambda status, headers, error=None: said.append(status)))
    return said[0]

CONNECTING = {("engine.py", "engine"), ("prepared.py", "lend")}

def counted(*asked):
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
        status = ask(*asked)
    finally:
        sys.setprofile(None)
    assert status == "200 OK", status
    return calls[0], sorted(set(sys.modules) - before)

for line in sys.stdin:  # each of them in a process that has made no app, nor a request
    if os.fork() == 0:
        uri, token_format, how, sent, method, path, body = json.loads(line)
        app = app_on(uri, token_format)
        if how == "start" or os.fork() == 0:
            print(json.dumps([counted(app, sent, method, path, body.encode()) for _ in range(2)]), flush=True)
        else:
            os._exit(os.wait()[1] != 0)
        os._exit(0)
    if os.wait()[1]:
        print(json.dumps("it failed"), flush=True)
"""


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[str]]:
    process = fresh_python("-c", SCRIPT, stdin=subprocess.PIPE, stderr=None)
    yield process
    finished(process)  # which its input's end tells it


@pytest.mark.parametrize("database_uri", KNOWN_AHEAD, indirect=True)
@pytest.mark.parametrize(
    ("work", "how"), [("view", "start"), ("token", "start"), ("token", "fork"), ("introspect", "start")]
)
def test_it_imports_nothing_and_calls_few_functions(
    make_app: MakeApp, database_uri: str, process: subprocess.Popen[str], work: str, how: str
) -> None:
    app = make_app(OAUTH_SCOPES={"read": "Read"})
    client = register(app, scope=["read"])
    token = token_for(app.test_client(), client)["access_token"]
    method, path, body = {
        "view": ("GET", "/protected", ""),
        "token": ("POST", "/oauth/token", "grant_type=client_credentials"),
        "introspect": ("POST", "/oauth/introspect", f"token={token}"),
    }[work]
    sent = f"Bearer {token}" if work == "view" else basic(client.client_id, client.client_secret)["Authorization"]
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([database_uri, "opaque", how, sent, method, path, body]) + "\n")
    process.stdin.flush()
    (first, imported), (second, _) = json.loads(process.stdout.readline())
    assert imported == []
    assert second < first <= TIMES * second


@pytest.mark.parametrize("how", ["start", "fork"])
def test_what_signs_is_imported_before(make_app: MakeApp, process: subprocess.Popen[str], how: str) -> None:
    """Where access tokens are JWTs, joserfc is there before the first request, and before a fork."""
    app = make_app(OAUTH_SCOPES={"read": "Read"}, OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_ISSUER="http://127.0.0.1")
    client = register(app, scope=["read"])
    sent = basic(client.client_id, client.client_secret)["Authorization"]
    asked = ["POST", "/oauth/token", "grant_type=client_credentials"]
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([app.config["OAUTH_DATABASE_URI"], "jwt", how, sent, *asked]) + "\n")
    process.stdin.flush()
    (_, imported), _ = json.loads(process.stdout.readline())
    assert not [name for name in imported if name.partition(".")[0] in ("joserfc", "flask_oauth_gateway")]
