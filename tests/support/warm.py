"""`flask`, `python` and `pytest` for the tests, without the half second that importing takes each time.

One process has imported everything. The commands `flask`, `pytest` and `python` (of a file, of `-m` and of `-c`) reach it
through a socket: it forks, and the child does in the caller's folder, with the caller's environment and files, what the
command would have done. A test of what is imported, or of a process that is killed, starts the real one; `.ci/run` uses the
real commands with the built wheel.

`python -m tests.support.warm SOCKET` is that process; `warm_commands()` makes the three commands.
"""

import array
import atexit
import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import re
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import flask

import flask_oauth_gateway
from tests.support.app import basic, bearer, close_app
from tests.support.compiled import KEPT, keep_what_is_compiled, make_tables

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "flask.cli", "flask_sqlalchemy", "authlib.oauth2.rfc6749", "joserfc.jwt", "sqlalchemy.dialects.sqlite", "werkzeug.serving",
    "authlib.integrations.requests_client",  # what the pages' own clients are written with
    "dotenv", "flask_login", "limits.storage", "limits.strategies", "pytest", "signxml", "sqlite3", "lxml.etree",
    "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.mysql.pymysql",
    "argon2", "cryptography.fernet", "flask_migrate", "gunicorn.app.wsgiapp", "gunicorn.arbiter", "gunicorn.workers.gthread",
)  # fmt: skip

#: Imports nothing that is a file: that would take as long as Python's own start does.
COMMAND = """#!{python} -IS
import _signal, _socket, marshal, os, sys
if "{name}" == "python" and not (len(sys.argv) > 1 and (sys.argv[1] in ("-c", "-m", "-W") or sys.argv[1].endswith(".py"))):
    os.execv("{python}", ["{python}", *sys.argv[1:]])
here = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
here.connect("{address}")
told = marshal.dumps(["{name}", sys.argv[1:], os.getcwd(), dict(os.environ), os.getpgrp()])
files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
here.sendmsg([len(told).to_bytes(4)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
here.sendall(told)
def line():
    text = b""
    while not text.endswith(b"\\n") and (more := here.recv(1)):
        text += more
    return text
child = int(line())
_signal.signal(_signal.SIGTERM, lambda *_: os.kill(child, _signal.SIGTERM))
_signal.signal(_signal.SIGINT, lambda *_: os.kill(child, _signal.SIGINT))
sys.exit(int(line() or 1))
"""


def warm_commands() -> Path:
    """A folder with `flask`, `python` and `pytest`, made on first use; what they need ends with this process."""
    with _making:  # tests may start several commands at once
        return _commands()


_making = threading.Lock()


@cache
def begin_to_warm() -> tuple[Path, subprocess.Popen[bytes]]:
    """Start that process, and don't wait for it; returns its folder, and the process."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "tests.support.warm", str(folder / "socket")]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)

    @atexit.register
    def stop() -> None:
        process.communicate()
        shutil.rmtree(folder)

    return folder, process


@cache
def _commands() -> Path:
    folder, process = begin_to_warm()
    address = folder / "socket"
    while not address.exists():
        assert process.poll() is None, "The process of the commands has ended."
        time.sleep(0.02)
    for name in ("flask", "pytest", "python"):
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(COMMAND.format(python=sys.executable, name=name, address=address))
        path.chmod(0o755)
    return folder / "bin"


def load() -> None:
    """Import and compile what the children will need, each of which would do it anew."""
    for name in IMPORTED:
        importlib.import_module(name)
    metadata.entry_points = cache(metadata.entry_points)  # each `flask` looks for them in all that is installed
    for commands in metadata.entry_points(group="flask.commands"):
        commands.load()
    for module in pkgutil.walk_packages(flask_oauth_gateway.__path__, "flask_oauth_gateway."):
        importlib.import_module(module.name)
    compile_once()
    gc.freeze()  # the children needn't look through what they got


def main(address: str) -> None:
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(20)
    while listening in select.select([listening, sys.stdin], [], [])[0]:  # the other one ends with who started this
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            code = 1
            try:
                code = child(connection)
            finally:
                with contextlib.suppress(OSError):
                    connection.sendall(f"{code}\n".encode())
                os._exit(code)
        connection.close()


def compile_once() -> None:
    """The routes' builders, the templates, SQLite's tables and common statements, as every app of a page would compile them."""
    keep_what_is_compiled()
    with tempfile.TemporaryDirectory() as folder:
        app = flask.Flask("warm", instance_path=folder)
        app.config.update(SECRET_KEY="only for tests", OAUTH_ADMIN=True, OAUTH_SCOPES={"read": "Read"})
        app.config["OAUTH_LOGIN_URL"] = "/login"
        flask_oauth_gateway.OAuthGateway(app).current_user(lambda: None)
        app.add_url_rule("/read", view_func=flask_oauth_gateway.require_token("read")(dict))
        for name in app.jinja_env.list_templates(extensions=["html"]):
            app.jinja_env.get_template(name)
        get_a_token(app)
        close_app(app)


def get_a_token(app: flask.Flask) -> None:
    """What nearly every page has its reader do: a client, its token, a view."""
    words = "oauth client create Reader --grant client_credentials --scope read"
    made = app.test_cli_runner().invoke(args=words.split()).stdout
    credentials = [re.findall(rf"^{name}:\s+(\S+)", made, re.MULTILINE)[0] for name in ("client_id", "client_secret")]
    with app.test_client() as client:
        answer = client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(*credentials))
        seen = client.get("/read", headers=bearer(answer.get_json()["access_token"]))
    assert seen.status_code == 200, (made, answer.text, seen.text)


def child(connection: socket.socket) -> int:
    """Do what a command does, to its end; returns its exit status."""
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    told = connection.recv(int.from_bytes(size), socket.MSG_WAITALL)
    name, arguments, folder, environment, group = marshal.loads(told)  # noqa: S302 (from the command above)
    with contextlib.suppress(PermissionError):  # the caller is in another session
        os.setpgid(0, group)  # who kills the caller's group kills this too
    for number, file in enumerate(array.array("i", files)):
        os.dup2(file, number)
        os.close(file)
    # The old ones may think that they are files, or terminals.
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    make_tables(anew=KEPT not in environment)
    connection.sendall(f"{os.getpid()}\n".encode())
    code = run(name, arguments)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def run(name: str, arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        if name == "flask":
            sys.argv = ["flask", *arguments]
            flask: Any = importlib.import_module("flask.cli")
            flask.main()
        elif name == "pytest":
            pytest: Any = importlib.import_module("pytest")
            return int(pytest.main(arguments))
        else:
            run_python(arguments)
    except SystemExit as error:
        if isinstance(error.code, str):
            sys.stderr.write(f"{error.code}\n")
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 (what ends a program, whatever it is)
        traceback.print_exc()
        return 1
    return 0


def run_python(arguments: list[str]) -> None:
    """What Python's command line does with these: `-W`, then a file, a module or a program, and what that is told."""
    options = os.environ.get("PYTHONWARNINGS", "").split(",")
    while arguments[0] == "-W":
        options.append(arguments[1])
        arguments = arguments[2:]
    warnings._processoptions(list(filter(None, options)))  # type: ignore[attr-defined]
    sys.path[:0] = [str(Path.cwd()), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        module = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(arguments[1], "<string>", "exec"), vars(module))  # noqa: S102 (the test's own program)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
