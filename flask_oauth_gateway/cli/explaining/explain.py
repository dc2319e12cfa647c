"""`flask oauth explain`: shows which of the app's checks a request fails, what the check expected and what it got."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import click
from blinker import Signal
from flask import Flask, Response, current_app, request
from flask.cli import with_appcontext
from werkzeug.exceptions import HTTPException

from ... import signals
from ...authentication.secret import named_credentials
from ...authorization_server import current_server
from ...clients.metadata_documents import NoClient
from ...database.rehearsal import rehearsing
from ...doctor.explanations import explain
from ...doctor.refused import Explanation, Refused
from ...errors import OAuth2Error
from ...protection.guard import Requirement
from ...protection.require_token import requirements_of
from ...web.addresses import first_peer
from ...web.answers import Noted, noted, render_error
from ...web.bearer import BEARER, DPOP
from ...web.environ import CLIENT, NOTED
from ..output import as_json, print_json, visible
from .curl import NotUnderstood, Wanted, read_line

if TYPE_CHECKING:
    from ...authorization_server import AuthorizationServer
    from ...clients.metadata_documents import Document


@dataclass(frozen=True, slots=True)
class Verdict:
    """The app's answer: a status, a sentence, and the reason where the app refuses."""

    status: int
    says: str
    error: str | None = None
    explanation: Explanation | None = None


@click.command("explain", context_settings={"allow_interspersed_args": False})
@as_json
@click.argument("line", nargs=-1, required=True, type=click.UNPROCESSED)
@with_appcontext
def explain_request(line: tuple[str, ...], as_json: bool) -> None:
    """Show which check a request fails. LINE is a URL, or a curl line in quotes; '-' reads it from standard input.

    The app's own checks run, and everything that they write is undone: no code, token or assertion is spent. A
    protected view itself is not called. Ends with status 1 where the request is refused.
    """
    try:
        wanted = read_line([sys.stdin.read().strip()] if line == ("-",) else line)
    except NotUnderstood as error:
        raise click.ClickException(visible(error)) from None
    verdict = judge(current_app, current_server(), wanted)
    if as_json:
        print_json(asdict(verdict))
    else:
        _print(wanted, verdict)
    if verdict.error is not None:
        raise click.ClickException(f"The request is refused: {visible(verdict.error)}.")


def judge(app: Flask, server: AuthorizationServer, wanted: Wanted) -> Verdict:
    """The app's answer to a request, and the reason; everything that the checks write is undone.

    A client's metadata document is read between two runs, as nothing may wait for another server while a transaction is open.
    """
    directory = server.directory
    if directory is None:
        return _judge(app, server, wanted)
    read = directory.read_document
    try:
        directory.read_document = _refuse_to_read
        return _judge(app, server, wanted)
    except _Unread as unread:
        found = _attempt(read, *unread.args)
        directory.read_document = lambda *_: found()
        return _judge(app, server, wanted)
    finally:
        directory.read_document = read


class _Unread(BaseException):
    """A client's document is needed; with the `client_id`, and the seconds that reading may take."""


def _refuse_to_read(client_id: str, within: float) -> Document:
    raise _Unread(client_id, within)


def _attempt(read: Callable[[str, float], Document], client_id: str, within: float) -> Callable[[], Document]:
    """Read a document; what is returned gives it, or raises as the reading did."""
    try:
        document = read(client_id, within)
    except NoClient as error:
        failure = error
    else:
        return lambda: document

    def fail() -> Document:
        raise failure

    return fail


def _judge(app: Flask, server: AuthorizationServer, wanted: Wanted) -> Verdict:
    parts = urlsplit(wanted.url)
    environment: dict[str, Any] = {"base_url": f"{parts.scheme}://{parts.netloc}"} if parts.netloc else {}
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if server.settings.mtls:  # a certificate in the line counts, as if the proxy had sent it
        environment["environ_overrides"] = {"REMOTE_ADDR": first_peer(server.settings.mtls_peers)}
    with app.test_request_context(path, method=wanted.method, headers=wanted.headers, data=wanted.body, **environment):
        try:
            with _without_a_trace(server):
                error, response = _run(app, server)
        finally:
            server.revoked.forget()
        if error is None and (response is None or response.status_code < 400):
            return Verdict(response.status_code if response else 200, _in_words(response))
        if error is None:
            body = (response.get_json(silent=True) if response else None) or {}
            error = Noted(body.get("error", "error"), body.get("error_description", ""), "", "")
        refused = _refused(server, wanted, error)
        status = response.status_code if response else 400
        return Verdict(status, refused.description or refused.error, refused.error, explain(refused))


def _run(app: Flask, server: AuthorizationServer) -> tuple[Noted | None, Response | None]:
    """Call the view of a gateway's endpoint, or only the guards of an app's view; returns the error and the answer."""
    if request.url_rule is None:
        error = OAuth2Error("The app has no route for this address and method.", error="not_found", status_code=404)
        return noted(error), render_error(error)
    if request.endpoint not in server.own_endpoints:
        return _guards(app, server)
    for name in (None, *reversed(request.blueprints)):
        for prepare in app.url_value_preprocessors.get(
            name, ()
        ):  # some take out of the path's values what no view takes
            prepare(request.endpoint, request.view_args)
    try:
        view: Any = app.view_functions[request.endpoint or ""]
        response = app.make_response(view(**(request.view_args or {})))
    except OAuth2Error as error:
        return noted(error), render_error(error)
    except HTTPException as error:
        return Noted("invalid_request", error.description or error.name, "", ""), None
    return request.environ.get(NOTED), response


def _guards(app: Flask, server: AuthorizationServer) -> tuple[Noted | None, Response | None]:
    refusals: list[Noted] = []
    guard, render = server.guard, server.guard.render

    def note(error: OAuth2Error) -> Response:
        refusals.append(noted(error))
        return render(error)

    guard.render = note
    try:
        for requirement in _requirements(app, server):
            refusal = guard.admit(requirement)
            if refusal is not None:
                return refusals[0], refusal
    finally:
        guard.render = render
    return None, None


def _requirements(app: Flask, server: AuthorizationServer) -> Iterator[Requirement]:
    """The requirements of `OAUTH_PROTECT`, the blueprints and the view itself."""
    for rule in () if server.path_rules is None else server.path_rules.find_all(request.method, request.path):
        if rule is not None and rule.requirement is not None:
            yield rule.requirement
    for _, requirement in requirements_of(app, request.endpoint or "", request.method):
        yield requirement


@contextmanager
def _without_a_trace(server: AuthorizationServer) -> Iterator[None]:
    """Undo meanwhile every write, send no signals, tell no other process, and count against no limit."""
    server.audit.flush()
    with ExitStack() as stack:
        for each in vars(signals).values():
            if isinstance(each, Signal):
                stack.enter_context(each.muted())
        stack.enter_context(rehearsing(server.database))
        stack.enter_context(server.rate_limiter.paused())
        stack.enter_context(server.revoking.untold())
        if server.binding is not None:
            stack.enter_context(server.binding.rehearsing())
        yield


def _refused(server: AuthorizationServer, wanted: Wanted, error: Noted) -> Refused:
    pairs = parse_qsl(urlsplit(wanted.url).query) + parse_qsl(wanted.body.decode(errors="replace"))
    parameters = dict(pairs)
    client_id, secret, method = named_credentials(request.headers.get("Authorization"), parameters)
    known = request.environ.get(CLIENT)
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    return Refused(
        server=server,
        error=error.error,
        description=error.description,
        reason=error.reason,
        parameters=parameters,
        client_id=known.client_id if known is not None else client_id,
        secret=secret,
        method=method,
        token=sent.strip() if scheme.lower() in (BEARER, DPOP) else parameters.get("access_token"),
        needed=error.needed,
    )


def _in_words(response: Response | None) -> str:
    if response is None:
        return "Nothing that asks for a token refuses it; the view itself was not called."
    if response.status_code in (302, 303):
        return f"It would go on to {response.headers['Location'].partition('?')[0]}"
    return "It would be answered."


def _print(wanted: Wanted, verdict: Verdict) -> None:
    click.echo(visible(f"{wanted.method} {urlsplit(wanted.url).path}: {verdict.status} {verdict.error or 'OK'}"))
    click.echo(visible(verdict.says))
    if verdict.explanation is not None:
        for name, value in asdict(verdict.explanation).items():
            if value:
                click.echo(f"{name + ':':10}{visible(value)}")
