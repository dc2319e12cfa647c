"""`authorization_code`: a user's approval, handed over by way of the browser (RFC 6749 section 4.1, 7636)."""

from __future__ import annotations

import hmac
import re
import time
from typing import TYPE_CHECKING, Any, NoReturn

from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant as AuthlibGrant
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy.engine import Row

from ..crypto.hashing import new_secret, sha256
from ..database.tables import new_family_key
from ..errors import InvalidGrantError, InvalidRequestError, OAuth2Error, UnauthorizedClientError
from ..signals import token_revoked
from ..stores.codes import CodeStore
from ..tokens.issuing import AlreadySpent, Approval, Issue, issue
from ..tokens.lifetimes import approval_ends, refresh_token_ends
from ..users.accounts import is_gone, load_user

if TYPE_CHECKING:
    from ..authorization.request import Authorization, Granted
    from ..authorization_server import State

REFUSED = "The code is unknown, expired, used, or was given to another client."
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1


class AuthorizationCodeGrant(AuthlibGrant):
    """Authlib's, with a code that is spent by one statement, whatever comes of it."""

    TOKEN_ENDPOINT_AUTH_METHODS = None

    @staticmethod
    def respond(state: State, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """What the authorize endpoint hands over: a code for what the user granted (section 4.1.2)."""
        code = new_secret(state.settings.token_prefix)
        now = int(time.time())
        state.codes.add(
            {
                "code_hash": sha256(code),
                "client": authorization.client.key,
                "family": new_family_key(),
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
                "expires_at": now + state.settings.authorization_code_lifetime,
            }
        )
        return {"code": code}

    def validate_token_request(self) -> None:
        """Every check, in the RFC's order (section 4.1.3); a code that fails one is spent all the same."""
        request, state = self.request, self.server.state
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for authorization_code.")
        code = request.form.get("code")
        if code is None:
            raise InvalidRequestError("The parameter 'code' is missing.")
        code_hash = sha256(code)
        row = state.codes.find(code_hash)
        if row is None:
            raise InvalidGrantError(REFUSED)
        if row.spent_at is not None:
            self._used_again(row)
        try:
            self._check(row)
        except OAuth2Error:
            if not state.codes.spend(code_hash):
                self._used_again(row)
            raise
        self.row = row

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        state, row, client = self.server.state, self.row, self.request.client
        scopes = tuple(row.scope.split())
        refresh_ends = refresh_token_ends(state, client, row.lasts_until) if row.refreshable else None
        ends = approval_ends(state, client, self.GRANT_TYPE, refresh_ends, row.lasts_until)

        request = Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=scopes,
            subject=row.subject,
            user=load_user(state, row.subject),
            audience=self.audience,
            claims=row.claims,
            approval=Approval(key=bytes(row.family), scope=row.scope, expires_at=ends, audience=row.audience),
            refresh_token_expires_at=refresh_ends,
        )
        try:
            return 200, issue(state, request, CodeStore.spending(bytes(row.code_hash))), None
        except AlreadySpent:
            self._used_again(row)

    def _check(self, row: Row[Any]) -> None:
        request = self.request
        if row.client != request.client.key or row.expires_at <= time.time():
            raise InvalidGrantError(REFUSED)
        redirect_uri = request.form.get("redirect_uri")
        if redirect_uri is None and row.redirect_uri_sent:
            raise InvalidGrantError("The 'redirect_uri' is missing: the authorization request had one.")
        if redirect_uri is not None and redirect_uri != row.redirect_uri:
            raise InvalidGrantError("The 'redirect_uri' is not the one of the authorization request.")
        self._check_verifier(row, request.form.get("code_verifier"))
        state = self.server.state
        if is_gone(state, row.subject):
            raise InvalidGrantError("The user of this code is gone.")
        self.audience = state.resources.resolve(request.payload.datalist.get("resource", ()), row.audience)

    @staticmethod
    def _check_verifier(row: Row[Any], verifier: str | None) -> None:
        """PKCE (RFC 7636 section 4.6); a verifier without a challenge is a downgrade (RFC 9700 section 4.8.2)."""
        if row.code_challenge is None:
            if verifier is not None:
                raise InvalidGrantError(
                    "A 'code_verifier' came, but the authorization request had no 'code_challenge'."
                )
            return
        if verifier is None:
            raise InvalidGrantError("The 'code_verifier' is missing: the authorization request had a 'code_challenge'.")
        if not VERIFIER.fullmatch(verifier):
            raise InvalidGrantError("The 'code_verifier' must be 43 to 128 letters, digits, '-', '.', '_' and '~'.")
        made = verifier if row.code_challenge_method == "plain" else create_s256_code_challenge(verifier)
        if not hmac.compare_digest(made, row.code_challenge):
            raise InvalidGrantError("The 'code_verifier' does not fit the 'code_challenge'.")

    def _used_again(self, row: Row[Any]) -> NoReturn:
        """A code that comes twice was stolen: what it gave ends (section 4.1.2)."""
        state = self.server.state
        if state.families.revoke(bytes(row.family)):
            state.forget_tokens()
            token_revoked.send(
                state.app,
                client_id=row.client_id,
                subject=row.subject,
                token_id=None,
                count=1,
                by="authorization code used again",
                actor=None,
            )
        raise InvalidGrantError(REFUSED)
