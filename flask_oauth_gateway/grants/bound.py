"""Binds tokens to the key that a token request proves (RFC 9449 section 5, RFC 8705 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from flask import request as current_request

from ..errors import InvalidGrantError, InvalidRequestError, OAuth2Error
from ..proofs.binding import CERTIFICATE, JKT
from ..proofs.errors import InvalidDpopProof
from ..tokens.issue import AlreadySpent
from ..web.environ import PROVED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Request

    from ..config import Settings
    from ..proofs.binding import Binding
    from ..stores.issuance import Spend
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest


class BoundElsewhere(InvalidGrantError):
    """The code or refresh token is bound to a key that the request doesn't prove. It stays as it is: its owner has the key."""


class Proved(NamedTuple):
    """What a token request proves: the `cnf` of its tokens, and what is left to claim of its proof (`proofs/binding.Offer`).

    `shown`: all that it proves, also the certificate to which its tokens aren't bound.
    """

    confirmation: dict[str, str]
    shown: dict[str, str]
    claim: Spend | None
    settle: Callable[[], None]

    def answer(self, grant: Any, request: OAuthRequest, client: Client, moment: int) -> dict[str, Any]:
        """What `TokenGrant.answer` does, of a request that may prove a key. Its proof is used up even where it is refused.

        Who sends a whole request again hears that, and ends nothing by what it brings.
        """
        try:
            found = None if self.confirmation else grant.at_once(request)
            if found is not None:
                return cast("dict[str, Any]", found)
            issue = grant.decide(request, client)._replace(confirmation=self.confirmation, claim=self.claim)
            return cast("dict[str, Any]", grant.steps.issue(issue, moment))
        except AlreadySpent as spent:
            if (
                spent.claimed and self.claim is not None
            ):  # where the whole request is decided on anew, it knows its proof
                current_request.environ[PROVED] = self.claim.parameters["key"]
            else:
                self.settle()
            return cast("dict[str, Any]", grant.spent_before(request))
        except OAuth2Error as error:
            if error.status_code < 500:
                self.settle()
            raise


def prove(
    binding: Binding | None, settings: Settings, client: Client, look_again_at: Callable[[Client], None]
) -> Proved | None:
    """What the current request of this client proves; `None` where that is nothing, as there is no binding.

    `look_again_at` raises `StaleClient` where the client's registration isn't what it was. Raises what `Binding.offer` does, and
    what `_check_may_be_unbound` does where the tokens must be bound, and would not be.
    """
    if binding is None:
        _check_may_be_unbound(client, settings, {}, look_again_at)
        return None
    http = cast("Request", cast("Any", current_request)._get_current_object())  # noqa: SLF001 (its documented name)
    offer = binding.offer(http)
    confirmation = offer.confirmation
    if CERTIFICATE in confirmation and not _binds_to_certificate(client, settings, confirmation):
        confirmation = {name: value for name, value in confirmation.items() if name != CERTIFICATE}
    _check_may_be_unbound(client, settings, confirmation, look_again_at)
    return Proved(confirmation, offer.confirmation, offer.claim, offer.settle)


def _binds_to_certificate(client: Client, settings: Settings, confirmation: Mapping[str, str]) -> bool:
    """Whether tokens are bound to a certificate that is shown: where the client is registered so, or nothing else binds them."""
    if client.tls_client_certificate_bound_access_tokens:
        return True
    return settings.dpop == "required" and JKT not in confirmation


def _check_may_be_unbound(
    client: Client, settings: Settings, confirmation: Mapping[str, str], look_again_at: Callable[[Client], None]
) -> None:
    """Check that a client's tokens may be bound to no more than this.

    Raises `InvalidDpopProof` where a proof is missing, and `InvalidRequestError` where a certificate is (RFC 8705 section 3.4).
    """
    if client.dpop_bound_access_tokens and JKT not in confirmation:
        look_again_at(client)
        raise InvalidDpopProof("This client's tokens are bound to a key: the request needs a proof in the header DPoP.")
    if client.tls_client_certificate_bound_access_tokens and CERTIFICATE not in confirmation:
        look_again_at(client)
        raise InvalidRequestError("This client's tokens are bound to its certificate: the connection needs one.")
    if settings.dpop == "required" and not confirmation:
        raise InvalidDpopProof("Tokens are bound to a key here: the request needs a proof in the header DPoP.")


def check_key(request: OAuthRequest, confirmation: Mapping[str, str], what: str) -> None:
    """Raises `BoundElsewhere` where `what` a request brings is bound to a key that it doesn't prove."""
    proved = {} if request.proved is None else request.proved.shown
    if any(proved.get(name) != value for name, value in confirmation.items()):
        raise BoundElsewhere(f"The {what} is bound to a key, and the request doesn't prove that it has this one.")
