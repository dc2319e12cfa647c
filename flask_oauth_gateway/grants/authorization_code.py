"""`authorization_code`: a user approves in the browser, and the client gets tokens for a code (RFC 6749 section 4.1, 7636)."""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy.engine import Row

from ..crypto.hashing import new_token, time_ordered_key, token_key
from ..errors import InvalidAuthorizationDetails, InvalidGrantError, InvalidRequestError, InvalidTarget, OAuth2Error
from ..permissions.scopes import still_allowed
from ..stores.issuance import AlreadyAnswered
from ..tokens.issue import AlreadySpent, Issue, StaleClient
from .base import AuthorizationGrant, TokenGrant

if TYPE_CHECKING:
    from ..authorization.request import Authorization, Granted
    from ..config import Settings
    from ..stores.codes import CodeStore
    from ..stores.registered_client import Client
    from ..tokens.revoking import Revoking
    from ..web.request import OAuthRequest

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1


@dataclass(eq=False)
class AuthorizationCodeGrant(TokenGrant, AuthorizationGrant):
    """Gives a code at the authorize endpoint, and tokens for it. One statement spends the code, even where a check fails."""

    GRANT_TYPE = "authorization_code"
    REFUSED = "The code is unknown, expired, used, or was given to another client."

    settings: Settings
    codes: CodeStore
    revoking: Revoking

    def authorize(self, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """A code for the scopes that the user allowed (section 4.1.2), which uses up the pushed request, if it is for one.

        Raises `AlreadyAnswered` where another answer used that up, and `StaleClient`.
        """
        now = int(time.time())
        code = new_token(self.settings.token_prefix, now)
        if authorization.client.origin is not None:
            self.codes.note_first_use(authorization.client)
        values = {
            "code_hash": token_key(code),
            "client": authorization.client.key,
            "family": time_ordered_key(),
            "subject": granted.subject,
            "scope": " ".join(granted.scopes),
            "audience": " ".join(authorization.audience) or None,
            "redirect_uri": authorization.redirect_uri,
            "redirect_uri_sent": authorization.redirect_uri_sent,
            "code_challenge": authorization.code_challenge,
            "code_challenge_method": authorization.code_challenge_method,
            "lasts_until": granted.lasts_until,
            "refreshable": granted.refreshable,
            "claims": granted.claims or None,
            "issued_at": now,
            "expires_at": now + self.settings.authorization_code_lifetime,
            "sid": granted.sid,
        }
        if authorization.pushed is None or authorization.pushed.is_ours:
            self.codes.add(values)
            return {"code": code}
        outcome = self.codes.add_for(authorization.pushed.spend, values, authorization.client)
        if not outcome.is_live:
            raise StaleClient(authorization.client.client_id)
        if not outcome.spent:
            raise AlreadyAnswered
        authorization.pushed.is_ours = True  # where a token belongs to the answer, and is tried again
        return {"code": code}

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        """Every check, in the RFC's order (section 4.1.3). A code that fails one is spent too.

        It isn't where the rest is right and only another `resource` (RFC 8707 section 2.2) or another authorization detail was
        asked for (RFC 9396 section 6.1), nor by who lacks the key to which it is bound (RFC 9449 section 10).
        """
        code = request.form.get("code")
        if code is None:
            raise InvalidRequestError("The parameter 'code' is missing.")
        code_hash = token_key(code)
        row = self.codes.find(code_hash)
        if row is None:
            raise InvalidGrantError(self.REFUSED)
        if self.steps.is_its_own(client, row.client):
            self.steps.check_key(request, row.claims, "code")
        if row.spent_at is not None:
            raise AlreadySpent
        try:
            return self._decide(request, client, row)
        except (InvalidTarget, InvalidAuthorizationDetails):
            raise
        except OAuth2Error:
            if not self.codes.spend(code_hash):
                raise AlreadySpent from None
            raise

    def _decide(self, request: OAuthRequest, client: Client, row: Row[Any]) -> Issue:
        ends_at = min(row.expires_at, row.issued_at + self.settings.authorization_code_lifetime)  # as it is set by now
        if not self.steps.is_its_own(client, row.client) or ends_at <= time.time():
            raise InvalidGrantError(self.REFUSED)
        _check_challenge(row, self.settings)
        _check_redirect_uri(row, request.form.get("redirect_uri"))
        _check_verifier(row, request.form.get("code_verifier"))
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=still_allowed(row.scope, client, self.settings),
            subject=row.subject,
            user=self.steps.user(row.subject, "code"),
            audience=self.steps.approved_audience(request, row.audience),
            claims=row.claims,
            authorization_details=self.steps.approved_details(request, client, row.claims),
            spend=self.codes.spending(bytes(row.code_hash), row.sid),
            **self.steps.approval(
                client,
                self.GRANT_TYPE,
                row.scope,
                row.audience,
                key=bytes(row.family),
                refreshable=row.refreshable,
                lasts_until=row.lasts_until,
                sid=row.sid,
            ),
        )

    def spent_before(self, request: OAuthRequest) -> dict[str, Any]:
        """Revoke the code's approval: a code that comes twice was stolen (section 4.1.2)."""
        row = self.codes.find(token_key(request.form["code"]))
        if row is not None:
            self.revoking.approval(bytes(row.family), row.client_id, row.subject, by="authorization code used again")
        raise InvalidGrantError(self.REFUSED)


def _check_redirect_uri(row: Row[Any], redirect_uri: str | None) -> None:
    """The redirect URI must be exactly that of the authorization request (section 4.1.3)."""
    if redirect_uri is None and row.redirect_uri_sent:
        raise InvalidGrantError("The 'redirect_uri' is missing: the authorization request had one.")
    if redirect_uri is not None and redirect_uri != row.redirect_uri:
        raise InvalidGrantError("The 'redirect_uri' is not the one of the authorization request.")


def _check_challenge(row: Row[Any], settings: Settings) -> None:
    """Check that a code from before a change of settings was asked for with the PKCE that is needed by now."""
    method = row.code_challenge_method
    if method is None and settings.in_profile.pkce_for_all and settings.require_pkce is True:
        raise InvalidGrantError(
            "The code was asked for without PKCE, which this server asks for by now: ask for a new one."
        )
    if method is not None and method not in settings.pkce_methods:
        raise InvalidGrantError(f"The code was asked for with PKCE's method '{method}', which is no longer taken.")


def _check_verifier(row: Row[Any], verifier: str | None) -> None:
    """Check PKCE (RFC 7636 section 4.6). A verifier without a challenge is a downgrade (RFC 9700 section 4.8.2)."""
    if row.code_challenge is None:
        if verifier is not None:
            raise InvalidGrantError("A 'code_verifier' came, but the authorization request had no 'code_challenge'.")
        return
    if verifier is None:
        raise InvalidGrantError("The 'code_verifier' is missing: the authorization request had a 'code_challenge'.")
    if not VERIFIER.fullmatch(verifier):
        raise InvalidGrantError("The 'code_verifier' must be 43 to 128 letters, digits, '-', '.', '_' and '~'.")
    made = verifier if row.code_challenge_method == "plain" else create_s256_code_challenge(verifier)
    if not hmac.compare_digest(made, row.code_challenge):
        raise InvalidGrantError("The 'code_verifier' does not fit the 'code_challenge'.")
