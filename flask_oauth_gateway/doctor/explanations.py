"""Explains to operators why a request was refused: what was expected, what came, and which RFC says so.

A client gets only a short answer. An explanation also uses the stores, for what a client must not learn; it writes
nothing.
"""

from __future__ import annotations

import difflib
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256 as hash_of
from typing import Any

from ..clients.redirect_uris import is_same_on_loopback
from ..config.checks import full_grant_type
from ..crypto.hashing import token_key, verify_secret
from ..features import SENT_SECRET_METHODS
from ..stores.applications import APPROVED
from .bound_tokens import BOUND_TOKEN_RULES
from .comparing import difference_of, listed, or_nearest, when
from .refused import Explanation, Found, Refused
from .signed_requests import SIGNED_REQUEST_RULES, with_what_counts

MOST_KNOWN = 1000


def explain(refused: Refused) -> Explanation:
    """The explanation by the first row of `RULES` that fits."""
    refused = with_what_counts(refused)
    for error, pattern, check, look, source in RULES:
        found = re.match(pattern, refused.reason or refused.description) if error in (refused.error, "*") else None
        if found is not None:
            expected, got = look(refused, found)
            return Explanation(check, expected, got, source)
    return Explanation(refused.error, refused.description, refused.reason, SOURCES.get(refused.error, RFC6749_ERRORS))


# The functions that the rows call.


def _missing(refused: Refused, found: re.Match[str]) -> Found:
    return f"the parameter '{found[1]}'", listed(refused.parameters) or "no parameters"


def _as_described(refused: Refused, found: re.Match[str]) -> Found:
    """The error's own sentence, where nothing needs to be added."""
    return refused.description, refused.reason or listed(refused.parameters)


def _client_id(refused: Refused, found: re.Match[str]) -> Found:
    client = refused.client
    if client is not None and client.application is not None and client.application_status != APPROVED:
        what = f"the application {client.application} is {client.application_status} (flask oauth application approve)"
        return "a client whose application is approved", f"{client.client_id}; {what}"
    if client is not None:
        return "a client that is enabled", f"{client.client_id}, which is disabled (flask oauth client enable)"
    known = [each.client_id for each in refused.server.client_registry.find(origin="hand", limit=MOST_KNOWN).clients]
    expected, sent = or_nearest("a client_id that is registered", refused.client_id or "", known), refused.client_id
    return (
        expected,
        f"{sent} (if it was deleted, the program must remove the connection and connect again)" if sent else "none",
    )


def _redirect_uri(refused: Refused, found: re.Match[str]) -> Found:
    name = "post_logout_redirect_uri" if "post_logout_redirect_uri" in refused.parameters else "redirect_uri"
    client, sent, hint = refused.client, refused.parameters.get(name, "none"), refused.parameters.get("id_token_hint")
    if client is None and hint is not None and (read := refused.server.openid.id_tokens.read_hint(hint)) is not None:
        client = refused.server.clients.load(read.client_id)
    registered: list[str] = [] if client is None else getattr(client, f"{name}s")
    near = [each for each in registered if is_same_on_loopback(each, sent)]
    near = near or difflib.get_close_matches(sent, registered, n=1, cutoff=0)
    if not near:
        return f"a {name} that is registered for the client, which has none", sent
    return f"exactly {near[0]} (the nearest of {len(registered)})", f"{sent}: {difference_of(near[0], sent)}"


def _response_type(refused: Refused, found: re.Match[str]) -> Found:
    grants = refused.server.settings.grant_types
    offered = [name for name, grant in (("code", "authorization_code"), ("token", "implicit")) if grant in grants]
    return f"response_type={' or '.join(offered)} (OAUTH_GRANT_TYPES)", refused.parameters.get("response_type", "none")


def _grant_of_client(refused: Refused, found: re.Match[str]) -> Found:
    client = refused.client
    asked = refused.parameters.get("grant_type") or f"response_type={refused.parameters.get('response_type')}"
    return f"what the client is registered for: {listed(client.grant_types if client else ())}", asked


def _grant_of_server(refused: Refused, found: re.Match[str]) -> Found:
    asked = refused.parameters.get("grant_type", "")
    expected = or_nearest("what OAUTH_GRANT_TYPES holds", asked, refused.server.settings.grant_types)
    hint = " (a short name is for the configuration alone)" if full_grant_type(asked) != asked else ""
    return expected, asked + hint


def _scope_of_server(refused: Refused, found: re.Match[str]) -> Found:
    return or_nearest("a name in OAUTH_SCOPES", found[1], refused.server.settings.scopes), found[1]


def _scope_of_client(refused: Refused, found: re.Match[str]) -> Found:
    client = refused.client
    return f"what the client is registered for: {client.scope if client else 'nothing'}", found[1]


def _challenge(refused: Refused, found: re.Match[str]) -> Found:
    methods = " or ".join(refused.server.settings.pkce_methods)
    sent = refused.parameters.get("code_challenge_method", "none, which means plain")
    return f"code_challenge, with code_challenge_method={methods} (OAUTH_REQUIRE_PKCE, OAUTH_PKCE_METHODS)", sent


def _secret(refused: Refused, found: re.Match[str]) -> Found:
    client, secret = refused.client, refused.secret or ""
    if client is None:
        return _client_id(refused, found)
    if client.token_endpoint_auth_method not in SENT_SECRET_METHODS:
        return client.token_endpoint_auth_method, f"{refused.method}: no falling back to a secret"
    now = time.time()
    for known in client.secrets:
        if not known.is_live(now) and verify_secret(secret, known.digest):
            return "a secret that lives", f"one that ended on {when(known.expires_at)}"
    if any(verify_secret(secret.strip(), known.digest) for known in client.secrets):
        return "the secret as it is", "the secret with white space around it"
    live = [f"...{known.hint}" for known in client.secrets if known.is_live(now)]
    expected = f"a secret that ends in {' or '.join(live)}" if live else "nothing: the client has no secret that lives"
    return expected, f"one of {len(secret)} characters that ends in ...{secret[-4:] if len(secret) >= 16 else ''}"


def _auth_method(refused: Refused, found: re.Match[str]) -> Found:
    client = refused.client
    offered = listed(refused.server.settings.client_auth_methods)
    own = "" if client is None else f"; this client is registered for {client.token_endpoint_auth_method}"
    return f"one of OAUTH_CLIENT_AUTH_METHODS: {offered}{own}", refused.method or "none"


def _code(refused: Refused, found: re.Match[str]) -> Found:
    row = refused.server.codes.find(token_key(refused.parameters.get("code", "")))
    if row is None:
        return "a code that this server gave", "one that it doesn't know (or purged: they are kept for a day)"
    if row.client_id != refused.client_id:
        return f"the client that it was given to, {row.client_id}", refused.client_id or "none"
    is_spent = row.spent_at is not None
    if is_spent and row.spent_at < row.expires_at:  # one that comes too late is spent by that
        return "a code that is used for the first time", f"one that was used at {when(row.spent_at)}"
    if is_spent or row.expires_at <= time.time():
        return (
            f"a code that is used within {row.expires_at - row.issued_at} s",
            f"one that expired at {when(row.expires_at)}",
        )
    return _verifier_or_uri(refused, row)


def _code_check(refused: Refused, found: re.Match[str]) -> Found:
    row = refused.server.codes.find(token_key(refused.parameters.get("code", "")))
    return _as_described(refused, found) if row is None else _verifier_or_uri(refused, row)


def _verifier_or_uri(refused: Refused, row: Any) -> Found:
    sent = refused.parameters.get("redirect_uri")
    if "redirect_uri" in refused.description:
        return f"redirect_uri={row.redirect_uri}, as in the authorization request", sent or "none"
    verifier = refused.parameters.get("code_verifier")
    if row.code_challenge is None or verifier is None:
        return f"{'a' if row.code_challenge else 'no'} code_verifier", "none" if verifier is None else "one"
    made = urlsafe_b64encode(hash_of(verifier.encode()).digest()).rstrip(b"=").decode()
    return f"a verifier for the {row.code_challenge_method} challenge {row.code_challenge}", f"one whose S256 is {made}"


def _refresh_token(refused: Refused, found: re.Match[str]) -> Found:
    server = refused.server
    row = server.approvals.find_refresh_token(token_key(refused.parameters.get("refresh_token", "")))
    if row is None:
        return "a refresh token that this server gave", "one that it doesn't know (or purged)"
    if row.client_id != refused.client_id:
        return f"the client that it was given to, {row.client_id}", refused.client_id or "none"
    if row.revoked_at is not None:
        return "an approval that holds", f"one that was revoked at {when(row.revoked_at)}"
    if row.spent_at is not None:
        return "a refresh token that is used for the first time", f"one that was used at {when(row.spent_at)}"
    return "a refresh token that lives", f"one that ended at {when(server.lifetimes.refresh_token_dies_at(row))}"


def _access_token(refused: Refused, found: re.Match[str]) -> Found:
    row = refused.server.tokens.find(token_key(refused.token or ""))
    if row is None:
        return "an access token that lives", refused.description
    token = refused.server.own_tokens.from_row(row)
    times = f"issued at {when(token.iat)}, good until {when(token.exp)}"
    return "an access token that lives", f"one of {token.client_id}, {times}: {token.refusal or refused.description}"


def _scopes_of_token(refused: Refused, found: re.Match[str]) -> Found:
    row = refused.server.tokens.find(token_key(refused.token or ""))
    return f"the scopes {refused.needed}", "another token" if row is None else f"a token with {row.scope or 'no scope'}"


RFC6749_ERRORS = "RFC 6749 section 5.2"
SOURCES = {
    "invalid_token": "RFC 6750 section 3.1",
    "insufficient_scope": "RFC 6750 section 3.1",
    "insufficient_user_authentication": "RFC 9470 section 3",
    "login_required": "OpenID Connect Core section 3.1.2.6",
    "consent_required": "OpenID Connect Core section 3.1.2.6",
    "access_denied": "RFC 6749 section 4.1.2.1",
    "invalid_target": "RFC 8707 section 2",
    "invalid_redirect_uri": "RFC 7591 section 3.2.2",
    "invalid_client_metadata": "RFC 7591 section 3.2.2",
    "authorization_pending": "RFC 8628 section 3.5",
    "slow_down": "RFC 8628 section 3.5",
    "expired_token": "RFC 8628 section 3.5",
}
DOCUMENTS = "draft-ietf-oauth-client-id-metadata-document-03 sections 3 to 5"
NAME = r"'([^']+)'"

#: The error, a pattern for the beginning of its reason or description, the check, its function, and its RFC.
RULES: tuple[tuple[str, str, str, Callable[[Refused, re.Match[str]], Found], str], ...] = (
    ("*", f"The parameter {NAME} is repeated", "each parameter once", _as_described, "RFC 6749 section 3.1"),
    ("*", "The parameter 'code_challenge' is missing", "PKCE", _challenge, "RFC 7636 section 4.4.1"),
    ("*", "The parameter 'code_challenge_method'", "PKCE method", _challenge, "RFC 7636 section 4.3, RFC 9700 section 2.1.1"),
    ("*", "The 'code_challenge' must be", "code challenge", _as_described, "RFC 7636 section 4.2"),
    ("*", f"The parameter {NAME} is missing", "required parameter", _missing, "RFC 6749 section 4"),
    ("invalid_client", "its document can't be had", "client metadata document", _as_described, DOCUMENTS),
    ("invalid_client", "The application that sent you", "client_id", _client_id, "RFC 6749 section 4.1.2.1"),
    ("*", "The address to send you back to", "redirect URI", _redirect_uri,
     "RFC 6749 section 3.1.2.3, RFC 9700 section 2.1, RP-Initiated Logout section 3"),
    ("unsupported_response_type", "", "response type", _response_type, "RFC 6749 section 3.1.1"),
    ("unauthorized_client", "", "grants of the client", _grant_of_client, "RFC 6749 section 5.2"),
    ("unsupported_grant_type", "", "grants of the server", _grant_of_server, "RFC 6749 section 5.2"),
    ("invalid_scope", f"The scope {NAME} is not known", "scope", _scope_of_server, "RFC 6749 section 3.3"),
    ("invalid_scope", f"The scope {NAME} is not one that this client", "scope", _scope_of_client, "RFC 6749 section 3.3"),
    ("invalid_client", "no such client|the client is disabled", "client_id", _client_id, "RFC 6749 section 2.3"),
    ("invalid_client", "wrong secret", "client secret", _secret, "RFC 6749 section 2.3.1"),
    ("invalid_client", "no credentials|.* is not offered|the client did not", "client authentication", _auth_method,
     "RFC 6749 section 2.3"),
    ("invalid_grant", "The (authorization )?code is unknown", "authorization code", _code, "RFC 6749 section 4.1.3"),
    ("invalid_grant", "The 'redirect_uri'", "redirect URI of the code", _code_check, "RFC 6749 section 4.1.3"),
    ("invalid_grant", "(The|A) 'code_verifier'", "PKCE verifier", _code_check, "RFC 7636 section 4.6"),
    ("invalid_grant", "The (code|refresh token) is bound to a key", "key of the code or refresh token", _as_described,
     "RFC 9449 sections 5 and 10"),
    ("invalid_grant", "The refresh token", "refresh token", _refresh_token, "RFC 6749 section 6, RFC 9700 section 4.14.2"),
    *BOUND_TOKEN_RULES,
    *SIGNED_REQUEST_RULES,
    ("unauthorized", "", "access token", _as_described, "RFC 6750 section 2.1"),
    ("invalid_token", "", "access token", _access_token, "RFC 6750 section 3.1"),
    ("insufficient_scope", "", "scopes of the token", _scopes_of_token, "RFC 6750 section 3.1"),
)  # fmt: skip
