"""`/oauth/verify`: forward auth. A proxy asks here whether a request may go on to an upstream that knows no tokens.

The URL that the proxy calls names the requirements, or `OAUTH_PROTECT` has them for the path that the proxy names;
without either any good token passes. A proxy passes on its caller's headers, and perhaps the caller's query: neither
may ever weaken the requirements.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from flask import Response, request

from ..config.checks import SCOPE_NAME
from ..errors import OAuth2Error
from ..protection.guard import Requirement
from ..protection.paths import PathRule, PathRules, ask_all, is_for_preflights
from ..protection.require_token import requirement
from ..web.addresses import is_trusted_peer, peer_of
from ..web.answers import NO_STORE
from ..web.environ import ASKED_PATHS, PROOF_TARGET, TOKEN

if TYPE_CHECKING:
    from ..resource_server import Server

URI = ("HTTP_X_ORIGINAL_URI", "HTTP_X_FORWARDED_URI")  # nginx, HAProxy; Traefik, Caddy
METHOD = ("HTTP_X_ORIGINAL_METHOD", "HTTP_X_FORWARDED_METHOD")
PARAMETERS = ("scope", "any_of", "audience")
ANY_TOKEN = requirement()

NOT_ENCODED = "!#$&'()*+,/:;=?@[]^`{|}~\"<>\\"  # printable ASCII without the space and "%"
WRONG_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
ENCODED = re.compile(r"%(?:25|2e|2f|3b|5c)", re.IGNORECASE)  # what has a meaning in paths: % . / ; and the backslash
ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)
STRUCTURE = re.compile(r"//|[;\\]|/\.\.?(?:/|\Z)")
TWOFOLD = "The path can be read in several ways, to which different rules may apply."
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class AccessDenied(OAuth2Error):
    """No token would let this request through: no rule covers it, or it isn't clear which one does."""

    error = "access_denied"
    status_code = 403


def verify(server: Server) -> Response:
    """Answer nginx, HAProxy, Traefik and Caddy, which name the caller's request in headers, with 204, 401 or 403."""
    environ = request.environ
    environ[ASKED_PATHS] = ()  # no path counts until a trusted proxy names one
    uri, query = _one_of(URI), environ.get("QUERY_STRING", "")
    asked = _asked(query) if query else None
    if uri is None:
        if asked is None and server.path_rules is not None:
            raise AccessDenied("The proxy names no path: it has to send X-Original-URI, or ask for a scope in the URL.")
        return _answer(server, 204, asked or ANY_TOKEN)
    # Where the query equals that of the caller's request, the proxy may have passed it on: it isn't enough by itself.
    by_path = asked is None or query == uri.partition("?")[2]
    rule, ruled = None, None
    if is_trusted_peer(peer_of(environ), server.settings.forward_auth_peers):
        method, host = _one_of(METHOD), environ.get("HTTP_X_FORWARDED_HOST")
        if method is not None:
            environ[PROOF_TARGET] = method, uri.partition("?")[0]
            rule = _rule(server, method.upper(), uri.partition("?")[0], host)
            if asked is None and _passes_as_preflight(rule, method):
                return _passed(204, None, server)
    if rule is not None:
        ruled = rule.requirement
    elif by_path:
        if server.path_rules is not None:
            raise AccessDenied("No rule lets this request through: not for this path, or not asked by this proxy.")
        ruled = ANY_TOKEN
    if ruled is not None and ruled.audience is None and asked is not None and not by_path:
        ruled = replace(ruled, audience=asked.audience)  # the proxy's word; else the app's own audience counts
    return _answer(server, 204, asked, ruled)


def verify_path(server: Server, original: str = "") -> Response:
    """Answer Envoy, which appends the caller's path to ours, keeps method and host, and wants 200."""
    environ = request.environ
    raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    _, found, rest = raw.partition("?")[0].partition(f"{server.settings.url_prefix}/verify/")
    # The path as the server decoded it is ambiguous, so the path as it was sent is better.
    path = "/" + (rest if found else quote(original, safe="/;"))
    environ[PROOF_TARGET] = request.method, path
    rule = _rule(server, request.method, path, request.host)
    if rule is None:
        if server.path_rules is None:
            return _answer(server, 200, ANY_TOKEN)
        raise AccessDenied("No rule lets this request through.")
    if _passes_as_preflight(rule, request.method):
        return _passed(200, None, server)
    return _answer(server, 200, rule.requirement)


def _answer(server: Server, status: int, *asked: Requirement | None) -> Response:
    refusal = ask_all(asked)
    if refusal is None:
        return _passed(status, request.environ.get(TOKEN), server)
    if refusal.status_code == 400:  # proxies know 401 and 403, and take any other status for a failure of ours
        refusal.status_code = 401
    return refusal


def _passed(status: int, token: Any, server: Server) -> Response:
    """The answer to a request that may go on. It always has every header, to replace any that the caller sent.

    Whoever has a token can ask here, so the user is named as the token's client knows them.
    """
    subject = token.subject if token else None
    if token and token.issuer is None:
        subject = server.validators.sub_of(token.client_id, subject)
    attributes = token.shown_attributes if token else None
    return Response(
        status=status,
        headers=[
            ("X-Auth-Subject", quote(subject or "", safe=NOT_ENCODED)),
            ("X-Auth-Client", quote(token.client_id, safe=NOT_ENCODED) if token else ""),
            ("X-Auth-Scopes", quote(token.scope, safe=NOT_ENCODED + " ") if token else ""),
            ("X-Auth-Attributes", json.dumps(attributes) if attributes else ""),
            *NO_STORE,
        ],
    )


def _one_of(names: tuple[str, ...]) -> str | None:
    """The value of headers with the same meaning. The proxy sets one of them; its caller may have sent another."""
    found = {request.environ[name] for name in names if name in request.environ}
    if len(found) > 1:
        raise AccessDenied("Two headers say different things of the request: one of them is not the proxy's.")
    return found.pop() if found else None


def _passes_as_preflight(rule: PathRule | None, method: str) -> bool:
    """Whether a CORS preflight may go on without a token, which it can't carry. What the upstream makes of it isn't known."""
    asks = method.upper() == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.environ
    return asks and rule is not None and not is_for_preflights(rule)


@lru_cache(maxsize=256)
def _asked(query: str) -> Requirement:
    """The requirements in the URL. Raises `AccessDenied` for any that is unknown: ignoring it would let requests through."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    scopes, any_of = given.get("scope", "").split(), given.get("any_of", "").split()
    wrong = [name for name in given if name not in PARAMETERS] or len(given) != len(pairs)
    empty = [name for name in ("any_of", "audience") if name in given and not given[name].strip()]
    if wrong or empty or not all(SCOPE_NAME.fullmatch(name) for name in (*scopes, *any_of)):
        raise AccessDenied("The URL that the proxy calls may hold 'scope', 'any_of' and 'audience', each once.")
    return requirement(*scopes, any_of=any_of, audience=given.get("audience"))


def _rule(server: Server, method: str, raw: str, host: str | None) -> PathRule | None:
    """The rule for a path as the caller wrote it. Raises `AccessDenied` where two readings of the path have other rules."""
    rules: PathRules | None = server.path_rules
    if rules is None and server.plans is None:
        return None
    paths = request.environ[ASKED_PATHS] = _decoded(raw)
    if rules is None:
        return None
    name = None if host is None else re.sub(r":[0-9]+\Z", "", host).rstrip(".").lower()
    found: set[PathRule | None] = set()
    for path in paths:
        found |= rules.find_all(method, path, name) | rules.ignoring_case.find_all(method, path, name)
    if len(found) > 1:
        raise AccessDenied(TWOFOLD)
    return found.pop()


def _decoded(raw: str) -> set[str]:
    """A path in every way that upstreams decode it: once, twice, or with an encoded slash kept as part of a name."""
    if not raw.startswith("/") or "#" in raw or WRONG_PERCENT.search(raw):
        raise AccessDenied("The path is malformed.")
    if "%" not in raw and raw.isascii():
        found = {raw}
    else:
        once = _decode(raw.encode("latin-1"))  # WSGI's text for the bytes
        kept = _decode(ENCODED_SLASH.sub("%252f", raw).encode("latin-1"))
        found = {once, kept, _decode(once)}
    if any(CONTROL.search(path) for path in found):
        raise AccessDenied("The path is malformed.")
    if ENCODED.search(raw) and any(STRUCTURE.search(path) for path in found):  # some upstreams decode first, some last
        raise AccessDenied(TWOFOLD)
    return found


def _decode(text: str | bytes) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise AccessDenied("The path is malformed.") from None
