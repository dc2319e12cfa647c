"""The page of a new client's secret: alice registers clients in her browser, and each text on it is run as it stands."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from dotenv import dotenv_values

from flask_oauth_gateway.descriptions.ready.files import in_env
from flask_oauth_gateway.pages.ready_settings import settings_for
from tests.support.app import close_app, gateway_of, server_of
from tests.support.conversation import told_by_node
from tests.support.fronts import nginx_with, running
from tests.support.ports import free_port, free_ports, wait_for
from tests.support.serving import Form, Server, Walker, build_server, serving

SCRIPTS = Path(__file__).parent / "node"
REDIRECT_URI = "http://127.0.0.1:7999/callback"  # nobody listens there
OPENID = "openid profile email"


@dataclass
class Shown:
    """What the page shows: its fields, the lines and addresses to begin with, the texts to paste."""

    page: str
    fields: dict[str, str]
    steps: list[str]
    texts: dict[str, str]


def shown(page: str) -> Shown:
    areas = {
        name: unescape(text)
        for name, text in re.findall(r'<textarea id="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    }
    labels = {name: unescape(text) for name, text in re.findall(r'<label for="([^"]+)"[^>]*>([^<]+)</label>', page)}
    steps = re.findall(r'<p class="uri"><a href="([^"]+)"|<textarea id="(step-\d+)"', page)
    return Shown(
        page,
        {name: unescape(value) for name, value in re.findall(r'<input id="([^"]+)" value="([^"]*)" readonly', page)},
        [unescape(address) or areas[name] for address, name in steps],
        {labels[name]: text for name, text in areas.items() if name.startswith("snippet")},
    )


class Office:
    """Alice's browser at the administrator's pages of a server."""

    def __init__(self, server: Server, alice: Walker, folder: Path) -> None:
        self.server = server
        self.alice = alice
        self.folder = folder

    def register(self, kind: str, **filled: Any) -> Shown:
        page = self.alice.browse(f"{self.server.url}/oauth/admin/clients/new?kind={kind}")
        sheet: Any = SimpleNamespace(url=page.url, text=page.text[page.text.index('<form class="sheet"') :])
        form = Form(sheet)
        fields = [(name, value) for name, value in form.fields if name not in filled]
        filled = {"client_name": "Notes"} | filled
        sent: list[tuple[str, Any]] = [*fields, *filled.items()]
        answer = self.alice.browser.post(str(form.action), data=sent)
        assert answer.status_code == 200, answer.text
        return shown(answer.text)

    def approve(self, url: str) -> str:
        return self.alice.approve(url, REDIRECT_URI)

    def bash(self, line: str) -> dict[str, Any]:
        """What a line prints."""
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        assert "access_token" in answer or "device_code" in answer, (line, done)
        return answer

    def environment(self, text: str) -> dict[str, str]:
        """The variables of a `.env` file, as a shell takes them."""
        self.folder.joinpath(".env").write_text(text, encoding="utf-8")
        command = [
            "bash",
            "-c",
            f"set -a; . ./.env; exec {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'",
        ]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        variables: dict[str, str] = json.loads(done.stdout)
        return variables

    def script(self, text: str, environment: dict[str, str]) -> list[str]:
        """Run a Python program; where it asks for the address at which the browser ended, alice goes there. What it prints."""
        with subprocess.Popen(
            [sys.executable, "-u", "-c", text],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            if line.startswith("Open "):
                process.stdin.write(self.approve(line.removeprefix("Open ").strip()) + "\n")
                process.stdin.flush()
                line = process.stdout.read().removeprefix("The address at which the browser ended: ")
            assert line, process.stderr.read()
            return line.split()

    def module(self, text: str, name: str = "first.mjs") -> Path:
        """A file of JavaScript, beside which the modules of npm are."""
        modules = self.folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(SCRIPTS / "node_modules")
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def pasted(self, file: Path, **environment: str) -> dict[str, Any]:
        """What a module has got in the end, in which alice is asked."""
        setup = {"file": str(file), "environment": environment}
        return told_by_node("ready_settings.mjs", lambda said: self.approve(said["open"]), **setup)

    def node(self, text: str) -> str:
        """What a program prints that asks nobody."""
        command = ["node", "--env-file=.env", str(self.module(text))]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


Opened = Callable[..., Office]


@pytest.fixture(scope="module")
def open_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Makes a server with some settings, once, and alice its administrator."""
    offices: dict[str, Office] = {}
    ends: list[Any] = []

    def opened(**config: Any) -> Office:
        key = repr(config)
        if key not in offices:
            folder = tmp_path_factory.mktemp("office")
            settings = {"OAUTH_ADMIN": True, "OAUTH_FORWARD_AUTH": True} | config
            serves = serving(lambda url: build_server(url, instance_path=str(folder / "instance"), **settings))
            url, app = serves.__enter__()
            ends.append((serves, app))
            gateway_of(app).is_admin(lambda user: user.id == "alice")
            gateway_of(app).user_claims(lambda user, _: {"name": user.name, "email": f"{user.id}@example.com"})
            offices[key] = Office(Server(url, app), Walker("alice"), folder)
        return offices[key]

    yield opened
    for serves, app in ends:
        serves.__exit__(None, None, None)
        close_app(app)


#: Servers: with and without OpenID Connect, and one that takes secrets in the body alone.
SERVERS: dict[str, dict[str, Any]] = {
    "oauth": {"OAUTH_OIDC": False},
    "openid": {"OAUTH_OIDC": True},
    "post": {"OAUTH_OIDC": False, "OAUTH_CLIENT_AUTH_METHODS": ["client_secret_post", "none"]},
}


@pytest.fixture
def office(request: pytest.FixtureRequest, open_office: Opened) -> Office:
    return open_office(**SERVERS[request.param])


def at(*servers: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("office", servers, indirect=True)


@pytest.fixture
def machine(office: Office) -> Shown:
    return office.register("machine", scope="weather:read")


@pytest.fixture
def web(office: Office) -> Shown:
    scope = f"{OPENID} weather:read" if office.server.app.config["OAUTH_OIDC"] else "weather:read"
    return office.register("web", scope=scope.split(), redirect_uris=REDIRECT_URI)


def is_openid(office: Office) -> bool:
    return bool(office.server.app.config["OAUTH_OIDC"])


@at("oauth", "post")
class TestMachine:
    def test_the_line_of_curl_gets_a_token(self, office: Office, machine: Shown) -> None:
        (line,) = machine.steps
        token = office.bash(line)["access_token"]
        me = requests.get(office.server.me, headers={"Authorization": f"Bearer {token}"})
        assert me.json() == {"client": machine.fields["client_id"], "subject": None}
        assert requests.get(machine.fields["discovery"]).json()["issuer"] == office.server.url

    def test_what_is_offered(self, machine: Shown) -> None:
        assert [*machine.texts] == [".env", "Authlib", "requests-oauthlib", "openid-client", "nginx"]

    @pytest.mark.parametrize("library", ["Authlib", "requests-oauthlib"])
    def test_python(self, office: Office, machine: Shown, library: str) -> None:
        printed = office.script(machine.texts[library], office.environment(machine.texts[".env"]))
        assert "weather:read" in printed[0]

    @pytest.mark.node
    def test_openid_client(self, office: Office, machine: Shown) -> None:
        office.environment(machine.texts[".env"])
        assert office.node(machine.texts["openid-client"]).startswith("weather:read ")


@at("openid", "post")
class TestWeb:
    def test_the_address_and_the_line_of_curl_get_a_token(self, office: Office, web: Shown) -> None:
        address, line = web.steps
        code = parse_qs(urlsplit(office.approve(address)).query)["code"][0]
        tokens = office.bash(line.replace("CODE", code))
        assert "refresh_token" in tokens
        assert ("id_token" in tokens) is is_openid(office)

    def test_what_is_offered(self, office: Office, web: Shown) -> None:
        found = [".env", "Authlib, in Flask", "requests-oauthlib", "openid-client", "Auth.js", "nginx"]
        assert [*web.texts] == [each for each in found if each != "Auth.js" or is_openid(office)]
        well_known = "openid-configuration" if is_openid(office) else "oauth-authorization-server"
        assert web.fields["discovery"] == f"{office.server.url}/.well-known/{well_known}"

    def test_authlib_in_flask(self, office: Office, web: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OAUTH_CLIENT_SECRET", web.fields["client_secret"])
        made: dict[str, Any] = {"__name__": "pasted"}
        exec(web.texts["Authlib, in Flask"], made)  # noqa: S102, a user pastes it too
        browser = made["app"].test_client()
        sent = browser.get("/login", base_url=REDIRECT_URI).headers["Location"]
        back = urlsplit(office.approve(sent))
        answer = browser.get(f"{back.path}?{back.query}", base_url=REDIRECT_URI).get_json()
        assert answer["name" if is_openid(office) else "scope"] == ("Alice" if is_openid(office) else "weather:read")

    def test_authlib_in_flask_beside_another_app_on_this_machine(self, web: Shown) -> None:
        """Browsers send a cookie to every port of a host, so both apps can't have a "session"."""
        text = web.texts["Authlib, in Flask"]
        assert "run --port 7999, then open http://127.0.0.1:7999/login\n" in text
        made: dict[str, Any] = {"__name__": "pasted"}
        exec(text.replace("os.environ", '{"OAUTH_CLIENT_SECRET": "-"}'), made)  # noqa: S102, a user pastes it too
        assert made["app"].config["SESSION_COOKIE_NAME"] != "session"

    def test_requests_oauthlib(self, office: Office, web: Shown) -> None:
        environment = office.environment(web.texts[".env"])
        printed = office.script(web.texts["requests-oauthlib"], environment)
        assert "'weather:read'" in "".join(printed)

    @pytest.mark.node
    def test_openid_client(self, office: Office, web: Shown) -> None:
        environment = office.environment(web.texts[".env"])
        file = office.module(web.texts["openid-client"])
        answer = office.pasted(file, OAUTH_CLIENT_SECRET=environment["OAUTH_CLIENT_SECRET"])
        assert "weather:read" in answer["scope"]
        assert (answer["claims"] or {}).get("sub") == ("alice" if is_openid(office) else None)


@pytest.mark.node
def test_auth_js(open_office: Opened) -> None:
    office, port = open_office(**SERVERS["openid"]), free_port()
    here = f"http://127.0.0.1:{port}"
    registered = office.register("web", scope=OPENID.split(), redirect_uris=f"{here}/auth/callback/ours")
    text = registered.texts["Auth.js"]
    # NextAuth hands the settings on; here the adapter for Express takes them.
    pasted = text.replace('import NextAuth from "next-auth";', "const NextAuth = (config) => ({ handlers: config });")
    assert pasted != text
    file = office.module(pasted, "auth.mjs")
    environment = os.environ | office.environment(registered.texts[".env"])
    command = ["node", "auth_js_settings.mjs", str(file), str(port)]
    with subprocess.Popen(command, cwd=SCRIPTS, env=environment, stdin=subprocess.PIPE) as process:
        wait_for(port, process)
        alice = office.alice
        token = alice.browser.get(f"{here}/auth/csrf").json()["csrfToken"]
        sent = alice.browser.post(
            f"{here}/auth/signin/ours", data={"csrfToken": token, "callbackUrl": here}, allow_redirects=False
        )
        assert alice.browse(sent.headers["Location"]).json()["user"] == {"name": "Alice", "email": "alice@example.com"}
        assert process.stdin is not None
        process.stdin.close()


@at("oauth")
class TestWithoutASecret:
    @pytest.mark.parametrize("library", ["Authlib", "requests-oauthlib"])
    def test_a_program_on_a_computer(self, office: Office, library: str) -> None:
        native = office.register("native", scope="weather:read", redirect_uris=REDIRECT_URI)
        assert "client_secret" not in native.fields
        assert "shown this one time" not in native.page
        assert "weather:read" in office.script(native.texts[library], dict(os.environ))[0]
        address, line = native.steps
        code = parse_qs(urlsplit(office.approve(address)).query)["code"][0]
        assert "access_token" in office.bash(line.replace("CODE", code))

    @pytest.mark.node
    def test_an_app_in_the_browser(self, office: Office) -> None:
        app = office.register("browser", scope="weather:read", redirect_uris=REDIRECT_URI)
        assert [*app.texts] == [".env", "openid-client", "nginx"]
        answer = office.pasted(office.module(app.texts["openid-client"]))
        assert answer["scope"] == "weather:read"

    @pytest.mark.node
    def test_a_device(self, office: Office) -> None:
        device = office.register("device", scope="weather:read")
        asks, address, redeems = device.steps
        codes = office.bash(asks)
        office.alice.connect_device(address, codes["user_code"])
        assert office.bash(redeems.replace("DEVICE_CODE", codes["device_code"]))["scope"] == "weather:read"
        file = office.module(device.texts["openid-client"])
        with subprocess.Popen(["node", str(file)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            office.alice.connect_device(words[1], words[-1])
            assert process.stdout.readline().startswith("weather:read ")


@pytest.mark.nginx
@at("oauth")
def test_nginx_lets_only_good_tokens_through(office: Office, machine: Shown, tmp_path: Path) -> None:
    front, upstream = free_ports(2)
    part = machine.texts["nginx"].replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    conf = f"""daemon off; pid nginx.pid; error_log stderr; events {{}}
http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 "$http_x_auth_client $http_authorization"; }} }}
server {{ listen 127.0.0.1:{front};
{part}
}} }}"""
    with running(nginx_with(tmp_path, conf), tmp_path, front):
        token = office.bash(machine.steps[0])["access_token"]
        good = requests.get(f"http://127.0.0.1:{front}/readings", headers={"Authorization": f"Bearer {token}"})
        assert good.text.strip() == machine.fields["client_id"]
        assert requests.get(f"http://127.0.0.1:{front}/readings").status_code == 401
        other = office.register("machine", scope="weather:write")
        token = office.bash(other.steps[0])["access_token"]
        bad = requests.get(f"http://127.0.0.1:{front}/readings", headers={"Authorization": f"Bearer {token}"})
        assert bad.status_code == 403


ODD_SECRETS = [
    "it has spaces & more; #1",
    'half "quoted", $HOME and `ls`',
    "an apostrophe's place, 100%41",
    "back\\slash + plus = ~ : !",
]


@pytest.mark.node
@pytest.mark.parametrize("secret", ODD_SECRETS)
def test_a_secret_that_somebody_brought_is_quoted_in_each_text(open_office: Opened, secret: str) -> None:
    office = open_office(**SERVERS["oauth"])
    app = office.server.app
    client_id = f'a"b c$d <e> {secret[:2]}'
    with app.app_context(), app.test_request_context(base_url=office.server.url):
        made = office.server.register(
            "client_credentials", client_id=client_id, client_secret=secret, scope="weather:read"
        )
        found = settings_for(server_of(app), made)
    office.bash(found["steps"][0].line)
    texts = {each.title: each.text for each in found["snippets"]}
    assert [name for name, text in texts.items() if secret in text or json.dumps(secret)[1:-1] in text] == [".env"]
    environment = office.environment(texts[".env"])
    assert (environment["OAUTH_CLIENT_SECRET"], environment["OAUTH_CLIENT_ID"]) == (secret, client_id)
    assert dotenv_values(office.folder / ".env")["OAUTH_CLIENT_SECRET"] == secret
    for library in ("Authlib", "requests-oauthlib"):
        assert "weather:read" in office.script(texts[library], environment)[0]
    assert office.node(texts["openid-client"]).startswith("weather:read ")


def test_where_no_quotes_suit_every_reader_the_file_says_whose_they_are() -> None:
    secret = "both ' and \" with $HOME and \\"
    text = in_env(secret)
    assert dotenv_values(stream=StringIO(f"A={text}\n"))["A"] == secret
    assert "as python-dotenv reads it" in text


@pytest.mark.parametrize("config", [{"OAUTH_DPOP": "required"}, {"OAUTH_PAR": "required"}, {"OAUTH_JAR": "required"}])
def test_nothing_is_offered_that_would_be_refused(open_office: Opened, config: dict[str, Any]) -> None:
    office = open_office(**config)
    web = office.register("web", scope="weather:read", redirect_uris=REDIRECT_URI)
    assert (web.steps, [*web.texts]) == ([], [".env", "nginx"])
    assert "no line of curl can sign" in web.page
