"""`Walk`: a client on its way through a flow. It prepares and sends requests, checks the answers, and describes them.

A flow is a generator. It yields the next step, which is a request or something that a person does with a browser, and
receives the step's result. So the caller decides when each step happens: the command line does it at once, the playground
when a button is pressed.
"""

from __future__ import annotations

import json as json_text
import textwrap
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from .exchange import Answer, Step, UnexpectedAnswer, basic, exchange
from .keys import Key, from_proxy
from .told import as_block, told, told_answer

FORM = "application/x-www-form-urlencoded"
#: Nothing listens there: this script is the app, and reads the browser's redirect. A real app would open a port.
REDIRECT_URI = "http://127.0.0.1:9999/callback"


@dataclass
class Chapter:
    title: str


@dataclass
class Note:
    """A text between requests; `block` is printed unchanged, `names` are the fields in it, `is_open` if they matter here."""

    text: str
    block: str = ""
    names: tuple[str, ...] = ()
    is_open: bool = False


@dataclass
class Approval:
    """A user's browser is sent to the server; `brought` is what it brings back to the client."""

    title: str
    url: str
    redirect_uri: str
    state: str
    #: What the user does there: "allow" (after signing in), "sign out", or "nothing", where no page is shown.
    task: str = "allow"
    #: A scope that the user may refuse, to see the effect.
    untick: str = ""
    brought: dict[str, str] | None = None


@dataclass
class DeviceApproval:
    """A user types the code on the device page, and is asked there."""

    title: str
    verification_uri: str
    user_code: str
    is_done: bool = False


@dataclass
class OwnToken:
    """A user makes a token for themselves, on the server's own page."""

    title: str
    path: str
    scope: str
    #: What the page has shown them, once they have brought it.
    token: str = ""


@dataclass
class Held:
    """A token, with its client, and its user if there is one."""

    client_id: str
    answer: dict[str, Any]
    by_user: bool = True
    #: The parameters that it was redeemed with, if the flow sends them again.
    redeemed: dict[str, str] = field(default_factory=dict)
    #: What the token is bound to: a key, or a certificate.
    key: Key | None = None
    certificate: str | None = None
    #: How the client proves who it is, where it has neither a secret nor a certificate.
    credentials: Callable[[], dict[str, str]] | None = None

    @property
    def token(self) -> str:
        return str(self.answer["access_token"])

    @property
    def scopes(self) -> list[str]:
        return str(self.answer.get("scope", "")).split()

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return what a request carries that uses the token: the token, and a proof where it is bound to a key."""
        if self.key is None:
            return {"Authorization": f"Bearer {self.token}", **from_proxy(self.certificate)}
        return {"Authorization": f"DPoP {self.token}", "DPoP": self.key.proof(method, url, self.token)}


Flow = Generator[Step | Approval | DeviceApproval | OwnToken, Any, None]
Getting = Generator[Step | Approval | DeviceApproval | OwnToken, Any, Held]


class Walk:
    """A client on its way through flows against the server at `url`.

    `app_id` is the public client of the flows with a user; `users` are the users who may approve in them. `api` is the name
    and secret of the resource server, which may look up every token; without it a client looks up its own. With `quiet`
    nothing is printed; `flows` and `story` hold everything either way.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        app_id: str = "weather-app",
        redirect_uri: str = REDIRECT_URI,
        users: tuple[str, ...] = ("alice",),
        api: tuple[str, str] | None = None,
        quiet: bool = False,
    ) -> None:
        self.url = url.rstrip("/")
        self.client_id = client_id
        self.client_secret = client_secret
        self.app_id = app_id
        self.redirect_uri = redirect_uri
        self.users = users
        self.api = api or (client_id, client_secret)
        self.flows: list[dict[str, Any]] = []
        #: The browser of the person who is played in the current flow, once one was needed.
        self.browser: Any = None
        #: All of the current flow, in order: chapters, notes, steps, approvals.
        self.story: list[Chapter | Note | Step | Approval | DeviceApproval | OwnToken] = []
        self._quiet = quiet

    def begin(self, name: str, about: str) -> None:
        """Begin a flow."""
        self.story, self.browser = [], None
        self.flows.append({"flow": name, "about": about, "story": self.story})
        self._print(f"\n{name}\n{'=' * len(name)}\n{about}")

    def chapter(self, title: str) -> None:
        """Begin a part of a flow."""
        self.story.append(Chapter(title))

    def tell(self, text: str, block: str = "", names: tuple[str, ...] = (), *, is_open: bool = False) -> None:
        """Add a text between requests."""
        self.story.append(Note(text, block, names, is_open))
        self._print(f"\n{textwrap.fill(text, 100)}" + (f"\n\n{as_block(block)}" if block else ""))

    def request(
        self,
        title: str,
        method: str,
        path: str,
        *,
        client: tuple[str, str] | bool = False,
        token: str | None = None,
        held: Held | None = None,
        proof: str | None = None,
        certificate: str | None = None,
        form: dict[str, str] | Sequence[tuple[str, str]] | None = None,
        json: dict[str, Any] | None = None,
        cookies: dict[str, str] | None = None,
        expect: int | tuple[int, ...] = 200,
        only: tuple[str, ...] = (),
    ) -> Step:
        """Prepare a request; `client` authenticates this client or a named one, `token` is sent as bearer token.

        `held` is used as it has to be, with a new proof where it is bound to a key; `proof` is sent in its header,
        and `certificate` as the proxy in front of the server hands it on.

        `only` names the members of the answer that are shown.
        """
        headers = from_proxy(certificate)
        if client:
            headers["Authorization"] = basic(*((self.client_id, self.client_secret) if client is True else client))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path if "://" in path else self.url + path
        if held is not None:
            headers |= held.headers(method, url)
        if proof is not None:
            headers["DPoP"] = proof
        if form is not None:
            headers["Content-Type"] = FORM
        if json is not None:
            headers["Content-Type"] = "application/json"
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = "" if form is None else urlencode(form)
        body = body if json is None else json_text.dumps(json, ensure_ascii=False)
        expected = (expect,) if isinstance(expect, int) else expect
        return Step(title, method, url, headers, body, expected, only=only)

    def request_as(self, held: Held, title: str, method: str, path: str, form: dict[str, str]) -> Step:
        """Prepare a request of the client that holds a token: with its secret, or only its name if it has none."""
        if held.client_id == self.client_id:
            return self.request(title, method, path, client=True, form=form)
        form = {**form, "client_id": held.client_id, **(held.credentials() if held.credentials else {})}
        return self.request(title, method, path, form=form, certificate=held.certificate)

    def send(self, step: Step) -> Answer:
        """Send a request and return its answer. Raises `UnexpectedAnswer` if the status is not an expected one."""
        self.story.append(step)
        self._print(f"\n{len(self.steps())}. {step.title}\n\n{told(step)}")
        step.answer = exchange(step)
        self._print(f"\n{told_answer(step)}")
        if step.answer.status not in step.expected:
            wanted = " or ".join(map(str, step.expected))
            path = step.url.removeprefix(self.url)
            raise UnexpectedAnswer(f"{step.method} {path} answered {step.answer.status}, expected was {wanted}")
        return step.answer

    def check(self, holds: bool, what: str) -> None:
        """Check something in the last answer, and say it. Raises `UnexpectedAnswer` if it isn't so."""
        if not holds:
            raise UnexpectedAnswer(f"it should be that {what}; it isn't")
        steps = self.steps()
        if not steps:  # whoever plays the user themselves has sent nothing yet
            self.tell(f"As it should be, {what}.")
            return
        checks = steps[-1].checks
        checks.append(what)
        self._print(f"   ✓ {what}" if len(checks) > 1 else f"\n   ✓ {what}")

    def steps(self, flow: int = -1) -> list[Step]:
        """Return the requests of a flow so far, by default of the last one."""
        return [item for item in self.flows[flow]["story"] if isinstance(item, Step)]

    def _print(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)
