"""`docs/house.md`: the folders and their order, and the ways that requests take through the files; read from the code."""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from unittest import mock

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the tests hold the order of the folders, and build apps

import blinker  # noqa: E402
from flask import Flask  # noqa: E402

from flask_oauth_gateway.stores import clients  # noqa: E402
from tests.rules.test_architecture import FLOORS  # noqa: E402
from tests.rules.test_architecture import ROOT as FILES  # noqa: E402
from tests.support.app import basic, bearer, build_app, close_app, register, server_of  # noqa: E402
from tests.support.proofs import ProofKey  # noqa: E402
from tests.support.site import GRANT_TYPES, REDIRECT_URI, VERIFIER, Site, answer, location, query  # noqa: E402

HEAD = """\
<!-- Written by docs/generate.py from the code. Change it there. -->

# The house

Where each file of the package stands, and which files a request meets. Why it is built so is in
[Architecture](architecture.md).

## The folders

Each line imports from the lines below it, never from above, nor from what stands beside it. Types count too, and so do
imports inside of functions. `tests/rules/test_architecture.py` holds the order.

"""
WAYS_HEAD = """\
## The ways

The files that run between the call of a view and its answer, each where it is first entered, below what calls it. The
requests are warm ones on SQLite: the client was seen a moment ago, and all is well. What listens to signals (the audit trail,
the log, metrics) is left out: nobody calls it.

"""


@dataclass
class Way:
    """A request's way: each file with the function by which it is first entered, and how deep below the view that is."""

    title: str
    steps: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        return [file for _, file, _ in self.steps]


def page() -> str:
    """The whole page."""
    return HEAD + "".join(floors()) + "\n" + "".join(folders()) + "\n" + WAYS_HEAD + "\n".join(map(drawn, ways()))


def floors() -> Iterator[str]:
    """The order of the folders as a diagram."""
    yield "```mermaid\nflowchart TD\n"
    names = ["__init__.py" if line == ["__init__"] else "  ".join(line) for line in FLOORS]
    for number, name in enumerate(names):
        yield f'    floor{number}["{name}"]\n'
    yield "    " + " --> ".join(f"floor{number}" for number in range(len(names))) + "\n```\n"


def folders() -> Iterator[str]:
    yield "| | what it is for | files |\n| --- | --- | --- |\n"
    for name in (name for line in FLOORS for name in line):
        path = FILES / name
        if not path.is_dir():
            yield f"| `{name}.py` | {sentence_of(path.with_suffix('.py'))} | |\n"
            continue
        for folder in sorted({each.parent for each in path.rglob("*.py")}):
            files = sorted(each.stem for each in folder.glob("*.py") if each.stem != "__init__")
            sentence = sentence_of(folder / "__init__.py")
            yield f"| `{folder.relative_to(FILES).as_posix()}/` | {sentence} | {', '.join(files)} |\n"


def sentence_of(path: Path) -> str:
    """The first sentence that a file says of itself."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def drawn(way: Way) -> str:
    rows = [f"{'  ' * depth + file:<46} {function}" for depth, file, function in way.steps]
    return f"### {way.title}\n\n{len(way.steps)} files.\n\n```text\n" + "\n".join(rows) + "\n```\n"


def ways() -> list[Way]:
    """The requests that matter most."""
    # On a slow machine too, a client is still remembered when it is asked for again.
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(clients, "CACHE_SECONDS", 3600):
        app = build_app(instance_path=folder, OAUTH_GRANT_TYPES=GRANT_TYPES)
        binding = build_app(instance_path=folder, OAUTH_DPOP=True)
        try:
            site = Site(app)
            return [*_ways_of_a_client(app), *_ways_of_a_person(app, site), *_ways_of_a_key(binding)]
        finally:
            close_app(app)
            close_app(binding)


def _ways_of_a_client(app: Flask) -> Iterator[Way]:
    registered = server_of(app).client_registry.create(
        client_name="Weather station", grant_types=["client_credentials"], scope="weather:read", resource_server=True
    )
    client, headers = app.test_client(), basic(registered.client_id, registered.client_secret or "")

    def token() -> Any:
        return client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)

    value = token().get_json()["access_token"]
    server_of(app).last_used.close()  # it writes down when the secret was used
    server_of(app).clients.forget(registered.client_id)
    yield followed("A new token: `client_credentials`", app, token)
    yield followed("A protected view", app, lambda: client.get("/weather", headers=bearer(value)))
    introspection = {"data": {"token": value}, "headers": headers}
    yield followed("Introspection", app, lambda: client.post("/oauth/introspect", **introspection))


def _ways_of_a_person(app: Flask, site: Site) -> Iterator[Way]:
    registered = site.register()
    site.code(registered)  # the consent is remembered from here on
    found: list[Any] = []
    yield followed(
        "An authorization request",
        app,
        lambda: found.append(site.browser.get("/oauth/authorize", query_string=query(registered))) or found[-1],
    )
    codes = [*(answer(location(each))["code"] for each in found), site.code(registered)]
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    headers = basic(registered.client_id, registered.client_secret or "")
    site.app.test_client().post("/oauth/token", data={**form, "code": codes.pop()}, headers=headers)
    server_of(app).last_used.close()
    server_of(app).clients.forget(registered.client_id)
    yield followed(
        "A code for tokens: `authorization_code`",
        app,
        lambda: site.app.test_client().post("/oauth/token", data={**form, "code": codes.pop()}, headers=headers),
    )


def _ways_of_a_key(app: Flask) -> Iterator[Way]:
    registered, key, client = register(app), ProofKey(), app.test_client()
    headers = basic(registered.client_id, registered.client_secret)

    def token() -> Any:
        form = {"grant_type": "client_credentials"}
        return client.post("/oauth/token", data=form, headers=headers | key.headers())

    value = token().get_json()["access_token"]
    server_of(app).last_used.close()
    server_of(app).clients.forget(registered.client_id)
    yield followed("A new token that is bound to a key (DPoP)", app, token)
    yield followed(
        "A protected view, with a bound token", app, lambda: client.get("/weather", headers=key.with_token(value))
    )


def followed(title: str, app: Flask, ask: Callable[[], Any]) -> Way:
    """The way of a request; it is asked once before, so that nothing is done for the first time."""
    _answered(ask())
    way, prefix = Way(title), f"{FILES}/"
    muted, inside = 0, 0
    seen: set[str] = set()
    entered: list[str] = []
    views = {view_code(view) for view in app.view_functions.values()}

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal muted, inside
        code = frame.f_code
        step = {"call": 1, "return": -1}.get(event, 0)
        if not step:
            return
        if code is blinker.Signal.send.__code__:
            muted += step
        if code in views and not muted:
            if step > 0:
                inside += 1
            else:
                inside -= 1
        if muted or not (inside or (code in views and step < 0)) or not code.co_filename.startswith(prefix):
            return
        file = code.co_filename.removeprefix(prefix)
        if step > 0:
            entered.append(file)
            if file not in seen:
                seen.add(file)
                depth = sum(one != other for one, other in pairwise(entered))
                way.steps.append((depth, file, code.co_qualname.rpartition(">.")[2]))
        else:
            entered.pop()

    sys.setprofile(watch)
    try:
        _answered(ask())
    finally:
        sys.setprofile(None)
    return way


def _answered(response: Any) -> None:
    if response.status_code >= 400:
        raise RuntimeError(f"The request was refused: {response.text}")


def view_code(view: Any) -> CodeType | None:
    """The code that Flask calls for an endpoint; a view of ours is bound to its server."""
    function = getattr(view, "func", view)
    found: CodeType | None = getattr(function, "__code__", None)
    return found
