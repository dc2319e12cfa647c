"""What a token is to hold, and for what it is given: what a grant decides, and `Issuing.issue` issues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UnauthorizedClientError

if TYPE_CHECKING:
    from ..stores.issuance import Spend
    from ..stores.registered_client import Client


class StaleClient(Exception):
    """The client changed, or tokens were revoked, after the request began and before the statement that acts for it.

    Read the client again and try anew.
    """


class AlreadySpent(Exception):
    """Another request has spent the code, refresh token or device code for which this token was to be given.

    `claimed`: whether the request's proof is claimed by now.
    """

    def __init__(self, *, claimed: bool = False) -> None:
        super().__init__()
        self.claimed = claimed


class StillOnTrial(UnauthorizedClientError):
    """A user's own app waits for an administrator, and this token wouldn't be its owner's."""

    description = "This app waits for an administrator's approval. Until then it works for its owner alone."


class Approval(NamedTuple):
    """What a user allowed, once. Each of its tokens carries its key; at `expires_at` all of them have ended."""

    key: bytes
    scope: str
    expires_at: int
    audience: str | None = None
    sid: str | None = None  # the session with which it ends
    began_at: int | None = None  # seconds since 1970; None: it is new, and begins with this token


class Issue(NamedTuple):
    """What a token is to hold. `subject` is `None` where no user takes part; `expires_in` is in seconds.

    `spend` spends the code, refresh token or assertion that is exchanged, together with storing the new token.
    `confirmation`: the `cnf` to which the token is bound, whatever `claims` say; empty where it is bound to nothing. `claim`
    claims the proof of that, likewise.
    `derive_from`: a spent refresh token, a salt and the second in which it was spent, from which the same tokens come again.
    """

    client: Client
    grant_type: str
    scopes: tuple[str, ...]
    subject: str | None = None
    user: Any = None
    audience: tuple[str, ...] = ()
    attributes: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] | None = None
    authorization_details: tuple[Mapping[str, Any], ...] | None = None  # of this token alone; None: those in `claims`
    expires_in: int | None = None
    approval: Approval | None = None
    refresh_token_expires_at: int | None = None  # None: no refresh token is given
    derive_from: tuple[str, bytes, int] | None = None
    spend: Spend | None = None
    confirmation: Mapping[str, str] | None = None
    claim: Spend | None = None
