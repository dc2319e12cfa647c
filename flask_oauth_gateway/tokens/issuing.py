"""`Issuing.issue`: the one place that issues tokens."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..crypto.hashing import derived, new_token, timed, token_key
from ..errors import InvalidAuthorizationDetails
from ..signals import token_issued, token_refreshed
from ..stores.issuance import Deed, do
from ..stores.revocations.mark import MAX_TOKEN_LIFETIME, NO_NUMBERS
from ..stores.tokens import token_id_of
from .access_token import MAX_TOKEN, RESERVED
from .issue import AlreadySpent, StaleClient, StillOnTrial
from .revoked import Superseded, marks_of_user, shared_marks
from .sign_in import AUTHORIZATION_DETAILS, CNF, JKT, for_access_token, for_approval, with_details

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from ..config import Settings
    from ..database.engine import Database
    from ..hooks import Hooks
    from ..permissions.resources import Resources
    from ..stores.registered_client import Client
    from ..stores.tokens import TokenStore
    from .issue import Issue
    from .jwt import JwtTokens
    from .lifetimes import Lifetimes
    from .revoked import Revoked
    from .sign_in import Claims


class Issuing:
    """Issues the tokens of one app. `jwts` signs those that are JWTs, and is made on first use."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        database: Database,
        tokens: TokenStore,
        resources: Resources,
        lifetimes: Lifetimes,
        revoked: Revoked,
        jwts: Callable[[], JwtTokens],
    ) -> None:
        self._app = app
        self._settings = settings
        self._hooks = hooks
        self._database = database
        self._tokens = tokens
        self._resources = resources
        self._lifetimes = lifetimes
        self._revoked = revoked
        self._jwts = jwts

    @property
    def moment(self) -> int:
        """The moment of `Revoked`: how often this process learned of revocations."""
        return self._revoked.moment

    def issue(self, request: Issue, moment: int | None = None) -> dict[str, Any]:
        """Make and store a token, and a refresh token where the request asks for one.

        `moment`: that of `Revoked` when the request began, where hooks were asked since: a revocation that came
        meanwhile covers the token.

        Returns the token response (RFC 6749 section 5.1). Raises `AlreadySpent`, `UsedProof`, `StaleClient`, `StillOnTrial`,
        `InvalidScopeError` where none of the scopes is given for these resources, and `ValueError` for an attribute with a
        name of the protocol's own.
        """
        if request.client.is_on_trial and not request.client.may_act_for(request.subject):
            raise StillOnTrial if self._tokens.client_is_live(request.client) else StaleClient(request.client.client_id)
        if self._resources.have_terms:
            request = request._replace(scopes=self._resources.within(request.scopes, request.audience))
        client, approval, audience = request.client, request.approval, request.audience
        now = int(time.time())
        expires_in = request.expires_in or self._lifetimes.access_token_seconds(client, request.grant_type, audience)
        if approval is not None:
            expires_in = max(1, min(expires_in, approval.expires_at - now))
        attributes = self.attributes_for(request)
        scope = " ".join(request.scopes)
        claims = request.claims
        if claims or request.confirmation:
            claims = for_access_token(claims, request.confirmation)
        if request.authorization_details is not None:
            claims = with_details(claims, request.authorization_details)
        details = claims.get(AUTHORIZATION_DETAILS, ()) if claims else ()
        values: dict[str, Any] = {
            "client": client.key,
            "family": None if approval is None else approval.key,
            "subject": request.subject,
            "scope": scope,
            "audience": " ".join(audience) or self._default_audience(),
            "grant_type": request.grant_type,
            "attributes": attributes,
            "claims": claims,
            "issued_at": now,
            "expires_at": now + expires_in,
        }
        refresh_token = (
            None if request.refresh_token_expires_at is None else self.new_value(request.derive_from, "refresh", now)
        )
        is_jwt = self.format_of(client, audience) == "jwt"
        numbers = self.standing(request, moment, is_jwt=is_jwt)
        if is_jwt:
            values["expires_at"] = now + min(expires_in, MAX_TOKEN_LIFETIME)
            began_at = None if approval is None else approval.began_at
            token, token_id = self._jwts().create(client, values, numbers, began_at)
            if len(token) > MAX_TOKEN and details:
                raise InvalidAuthorizationDetails("The authorization details are too long for a token that is a JWT.")
        else:
            token = self.new_value(request.derive_from, "access", now)
            values["token_hash"] = token_key(token)
            token_id = token_id_of(values["token_hash"])
        if approval is not None or request.spend is not None or request.claim is not None:
            is_live = self._store_approved(request, values, numbers, refresh_token)
        elif is_jwt:
            is_live = self._tokens.client_is_live(client, numbers)
        else:
            is_live = self._tokens.add(values, client, numbers)
        if not is_live:
            self._revoked.look_up(numbers)
            raise StaleClient(client.client_id)
        self.announce(client, request.grant_type, request.subject, request.scopes, token_id)
        return token_response(token, values["expires_at"] - now, scope, refresh_token, attributes, values["claims"])

    def standing(self, request: Issue, moment: int | None, *, is_jwt: bool) -> Mapping[bytes, int]:
        """The numbers of the marks that would revoke the token, which must still stand when it is stored.

        A stored token has none that is the client's own, or is given for a code or another token: what revokes it
        changes the client's row, or spends that.
        """
        client_id, subject, spend = request.client.client_id, request.subject, request.spend
        if is_jwt:
            marks: Iterable[bytes] = shared_marks(client_id, subject).values()
        elif subject is not None and (spend is None or not spend.ends_with_tokens):
            marks = marks_of_user(client_id, subject)
        else:
            return NO_NUMBERS
        try:
            return self._revoked.standing(marks, moment)
        except Superseded:
            self._revoked.look_up(marks)  # waits for a thread that is just reading
            raise StaleClient(client_id) from None

    def announce(
        self, client: Client, grant_type: str, subject: str | None, scopes: tuple[str, ...], token_id: str
    ) -> None:
        """Send the signal that a token was issued or refreshed."""
        signal = token_refreshed if grant_type == "refresh_token" else token_issued
        signal.send(
            self._app,
            client_id=client.client_id,
            subject=subject,
            grant_type=grant_type,
            scopes=scopes,
            token_id=token_id,
        )

    def _default_audience(self) -> str | None:
        return self._resources.default_audience() if self._resources.are_configured else None

    def format_of(self, client: Client, audience: Collection[str] = ()) -> str:
        """The format of this client's access tokens for these resources: "opaque" or "jwt"."""
        usual = client.access_token_format or self._settings.access_token_format
        return self._resources.format_for(audience, usual) if self._resources.have_terms else usual

    def new_value(self, derive_from: tuple[str, bytes, int] | None, what: str, now: int) -> str:
        """A new token's value: random, or derived from a spent refresh token, its salt and the second of that."""
        prefix = self._settings.token_prefix
        if derive_from is None:
            return new_token(prefix, now)
        token, salt, spent_at = derive_from
        return timed(prefix + derived(token, salt, what), spent_at)

    def attributes_for(self, request: Issue) -> dict[str, Any] | None:
        """The custom attributes of a token: those of the request, and those that the app's `token_attributes` hook adds."""
        hook = self._hooks.token_attributes
        if hook is None and not request.attributes:
            return None
        attributes = dict(request.attributes or {})
        if hook is not None:
            attributes |= hook(request.client, request.user, frozenset(request.scopes), request.grant_type) or {}
        taken = RESERVED.intersection(attributes)
        if taken:
            raise ValueError(f"A token attribute can't be named {min(taken)!r}: the protocol uses that name itself.")
        return attributes or None

    def _store_approved(
        self, request: Issue, values: dict[str, Any], numbers: Mapping[bytes, int], refresh_token: str | None
    ) -> bool:
        """Spend the request's `spend` and store the approval and its tokens: all of that, or nothing.

        Returns whether the client and the marks were still as they had been read. Raises `AlreadySpent` and `UsedProof`.
        """
        approval, now = request.approval, values["issued_at"]
        begun = None
        if approval is not None and approval.began_at is None:
            begun = {
                "id": approval.key,
                "client": request.client.key,
                "subject": request.subject,
                "scope": approval.scope,
                "audience": approval.audience,
                "grant_type": request.grant_type,
                "attributes": request.attributes,
                "claims": for_approval(request.claims, request.confirmation if request.client.is_public else {})
                if request.claims or request.confirmation
                else None,
                "created_at": now,
                "expires_at": approval.expires_at,
                "sid": approval.sid,
            }
        kept = None
        if approval is not None and approval.began_at is not None and request.spend is not None:
            kept = _bound_from_now_on(request, approval.key)
        following = None
        if refresh_token is not None and approval is not None:
            following = {
                "token_hash": token_key(refresh_token),
                "family": approval.key,
                "issued_at": now,
                "expires_at": request.refresh_token_expires_at,
            }
        outcome = do(
            self._database,
            Deed(
                client=request.client,
                numbers=numbers,
                spend=request.spend,
                claim=request.claim,
                approval=begun,
                kept=kept,
                access_token=values if "token_hash" in values else None,
                refresh_token=following,
            ),
        )
        if outcome.is_live and outcome.claimed is False:
            from ..proofs.errors import UsedProof  # only where proofs are on

            raise UsedProof
        if outcome.is_live and not outcome.spent:
            raise AlreadySpent(claimed=bool(outcome.claimed))
        return outcome.is_live


def _bound_from_now_on(request: Issue, key: bytes) -> dict[str, Any] | None:
    """What an approval keeps whose refresh token of a public client was bound to nothing, and is used with a key now
    (RFC 9449 section 5, RFC 8705 section 7.1); `None` where there is no such change.
    """
    if not request.confirmation or not request.client.is_public or (request.claims and CNF in request.claims):
        return None
    return {"id": key, "claims": for_approval(request.claims, request.confirmation)}


def token_response(
    token: str,
    expires_in: int,
    scope: str,
    refresh_token: str | None,
    attributes: Mapping[str, Any] | None,
    claims: Claims = None,
) -> dict[str, Any]:
    """The members of a token response, with the custom attributes whose names don't begin with an underscore.

    `claims`: those of the access token: what it is bound to, and the authorization details that were granted (RFC 9396
    section 7).
    """
    response: dict[str, Any] = {
        "access_token": token,
        "token_type": "DPoP" if _names_a_key(claims) else "Bearer",
        "expires_in": expires_in,
        "scope": scope,
    }
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    if claims and claims.get(AUTHORIZATION_DETAILS):
        response[AUTHORIZATION_DETAILS] = claims[AUTHORIZATION_DETAILS]
    if attributes:
        response.update((name, value) for name, value in attributes.items() if not name.startswith("_"))
    return response


def _names_a_key(claims: Claims) -> bool:
    """Whether an access token is bound to a key of DPoP's."""
    confirmation = None if claims is None else claims.get(CNF)
    return isinstance(confirmation, Mapping) and JKT in confirmation
