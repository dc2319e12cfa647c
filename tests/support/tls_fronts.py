"""Real proxies as TLS ends before an app, with the configurations of docs/mutual-tls/, and clients with certificates.

Behind them stands a server that takes a header's name with underscores for the one with hyphens, as uWSGI does.
"""

import itertools
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.support.certificates import SERVER, Ca, Held
from tests.support.fronts import Answer, nginx_with, running
from tests.support.services import APACHE, APACHE_MODULES, CADDY, HAPROXY

PAGES = Path(__file__).parents[2] / "docs" / "mutual-tls"
APP = "127.0.0.1:8000"
FOR_BROWSERS = "127.0.0.2"  # where nginx's other site is, which asks for no certificate
CA, FRONT_CA = Ca(), Ca("The front's")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Naive(WSGIRequestHandler):
    """Takes each spelling of a header's name for the same, and joins what comes several times."""

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        for name, value in self.headers.items():
            if "_" in name:
                key = f"HTTP_{name.upper().replace('-', '_')}"
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ["test.headers"] = self.headers.items()
        return environ

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def block(page: str, kind: str) -> str:
    [found] = re.findall(rf"```{kind}\n(.*?)```", PAGES.joinpath(f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
    return found


def put(configuration: str, **places: Any) -> str:
    """A configuration with other places than those that the page names."""
    for named, place in places.items():
        assert named in configuration
        configuration = configuration.replace(named, str(place))
    return configuration


def nginx(folder: Path, port: int, app: str) -> list[str]:
    paths = "".join(f"{kind}_temp_path tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    sites = {"listen 8443": f"listen 127.0.0.1:{port}", "listen 443": f"listen {FOR_BROWSERS}:{port}"}
    site = put(block("nginx", "nginx"), **sites, **{APP: app})
    return nginx_with(folder, f"daemon off; pid nginx.pid; events {{}} http {{ access_log off;\n{paths}\n{site}\n}}")


def apache(folder: Path, port: int, app: str) -> list[str]:
    modules = ("mpm_event", "authz_core", "ssl", "headers", "proxy", "proxy_http", "socache_shmcb")
    user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    site = put(block("apache", "apache"), **{"*:8443": f"127.0.0.1:{port}", APP: app})
    loads = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in modules)
    head = f"ServerRoot {folder}\nPidFile httpd.pid\nServerName 127.0.0.1\nListen 127.0.0.1:{port}\nErrorLog {folder}/error.log"
    folder.joinpath("apache.conf").write_text(f"{head}\n{loads}\n{user}\n{site}", encoding="utf-8")
    return [str(APACHE), "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]


def haproxy(folder: Path, port: int, app: str) -> list[str]:
    times = "defaults\n    timeout client 10s\n    timeout connect 10s\n    timeout server 10s\n\n"
    site = put(block("haproxy", "haproxy"), **{"bind :8443": f"bind 127.0.0.1:{port}", APP: app})
    folder.joinpath("haproxy.cfg").write_text(times + site, encoding="utf-8")
    return [str(HAPROXY), "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(folder: Path, port: int, app: str) -> list[str]:
    site = put(
        block("caddy", "caddyfile"), **{"mtls.example.com:8443 {": f"localhost:{port} {{\nbind 127.0.0.1", APP: app}
    )
    head = "{\nadmin off\nauto_https disable_redirects\n}\n"
    folder.joinpath("Caddyfile").write_text(head + site, encoding="utf-8")
    return [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


CADDY_SOURCE = {"header": "X-SSL-Client-Cert", "format": "der-base64"}
PROXIES: dict[str, tuple[Callable[[Path, int, str], list[str]], dict[str, Any]]] = {
    "nginx": (nginx, {"OAUTH_MTLS_CERTIFICATE": "nginx"}),
    "apache": (apache, {"OAUTH_MTLS_CERTIFICATE": "apache", "OAUTH_MTLS_CA": [CA.pem]}),
    "haproxy": (haproxy, {"OAUTH_MTLS_CERTIFICATE": "haproxy"}),
    "caddy": (caddy, {"OAUTH_MTLS_CERTIFICATE": CADDY_SOURCE, "OAUTH_MTLS_CA": [CA.pem]}),
}


class Front:
    """A proxy, and clients who come to it by TLS."""

    def __init__(self, folder: Path, port: int, app: Flask, name: str) -> None:
        self.folder = folder
        self.port = port
        self.app = app
        self.name = name
        self._number = itertools.count()

    def ask(self, held: Held | None, path: str, headers: Any = (), form: dict[str, str] | None = None) -> Answer:
        """What is answered to a client with this certificate; `headers`: pairs, as they are written here."""
        connection = HTTPSConnection("localhost", self.port, timeout=10, context=self._context(held))
        try:
            connection.putrequest("GET" if form is None else "POST", path)
            body = urlencode(form or {}).encode()
            for name, value in [
                *headers,
                *(FORM | {"Content-Length": str(len(body))} if form is not None else {}).items(),
            ]:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def asked_in_one_session(self, held: Held, client_id: str, version: ssl.TLSVersion) -> tuple[list[int], bool]:
        """The statuses of three connections of one TLS session, and whether the last took it up again."""
        context, session, statuses = self._context(held), None, []
        context.maximum_version = version
        body = urlencode({"grant_type": "client_credentials", "client_id": client_id})
        for _ in range(3):
            with (
                socket.create_connection(("localhost", self.port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
            ):
                request = HTTPConnection("localhost")
                request.sock = connection
                request.request("POST", "/oauth/token", body, FORM)
                statuses.append(Answer(request.getresponse()).status)
                session, taken_up = connection.session, connection.session_reused
        return statuses, bool(taken_up)

    def seen_by_browsers(self, held: Held | None, headers: Any = ()) -> str:
        """What the app says of the headers of a request that comes through nginx's other site."""
        with (
            socket.create_connection((FOR_BROWSERS, self.port), timeout=10) as plain,
            self._context(held).wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            request = HTTPConnection("localhost")
            request.sock = connection
            request.putrequest("GET", "/seen")
            for name, value in headers:
                request.putheader(name, value)
            request.endheaders()
            return Answer(request.getresponse()).body

    def _context(self, held: Held | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=FRONT_CA.pem)
        if held is not None:
            file = self.folder / f"client{next(self._number)}.pem"
            file.write_text(held.pem + held.private_pem, encoding="ascii")
            context.load_cert_chain(file)
        return context

    def is_let_in(self, held: Held | None, client_id: str, headers: Any = (), **more: str) -> bool:
        form = {"grant_type": "client_credentials", "client_id": client_id, **more}
        try:
            answer = self.ask(held, "/oauth/token", headers, form)
        except OSError:  # some proxies end the connection for a certificate that has expired
            return False
        assert answer.status in (200, 401) or "certificate error" in answer.body, answer.body
        return answer.status == 200


@contextmanager
def in_a_thread(server: BaseWSGIServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def front_of(name: str, folder: Path, port: int, app: Flask) -> Iterator[Front]:
    """A proxy on a port, before this app."""
    folder.chmod(0o755)  # Apache's own user reads there
    own = FRONT_CA.client("localhost", san=[x509.DNSName("localhost")], usages=[SERVER])
    for file, content in {
        "server.pem": own.pem, "server.key": own.private_pem, "server-with-key.pem": own.pem + own.private_pem,
        "ca.pem": CA.pem, "front.pem": FRONT_CA.pem,
    }.items():  # fmt: skip
        folder.joinpath(file).write_text(content, encoding="ascii")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Naive)
    command = PROXIES[name][0](folder, port, f"127.0.0.1:{server.server_port}")
    with in_a_thread(server), running(command, folder, port):
        yield Front(folder, port, app, name)
