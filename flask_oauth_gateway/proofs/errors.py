"""The errors of a proof that isn't good: 400 at the endpoints, 401 with a challenge where a token is taken.

`reason` goes to the log, and to `flask oauth explain`.
"""

from __future__ import annotations

from ..errors import BearerError, OAuth2Error

NONCE_HEADER = "DPoP-Nonce"


class InvalidDpopProof(OAuth2Error):
    """A proof is wrong, or missing where one is needed (RFC 9449 sections 5 and 12.2)."""

    error = "invalid_dpop_proof"

    def __init__(self, description: str, reason: str = "") -> None:
        super().__init__(description)
        self.reason = reason

    def where_a_token_is_taken(self, algorithms: tuple[str, ...]) -> BearerError:
        """The same error as a refusal of the token that came with the proof. `algorithms`: those that proofs may have."""
        return DpopProofRefused(self, algorithms)


class UsedProof(InvalidDpopProof):
    """Another request has used the proof (section 11.1)."""

    def __init__(self) -> None:
        super().__init__("The proof was used before: each is good once.")


class UseDpopNonce(InvalidDpopProof):
    """A proof needs the server's nonce, and has none, or an old one: `nonce` is a new one (section 8)."""

    error = "use_dpop_nonce"

    def __init__(self, nonce: str) -> None:
        super().__init__(
            "The proof needs the nonce that stands in the header DPoP-Nonce: send the request again with it."
        )
        self.nonce = nonce

    def extra_headers(self) -> list[tuple[str, str]]:
        return [(NONCE_HEADER, self.nonce)]


class DpopProofRefused(BearerError):
    """A token came without a good proof (section 7.1). `nonce`: the one to use, where that is what is missing (section 9)."""

    is_of_dpop = True

    def __init__(self, why: InvalidDpopProof, algorithms: tuple[str, ...]) -> None:
        super().__init__(why.description, error=why.error)
        self.reason = why.reason
        self.algs = " ".join(algorithms)
        self.nonce: str | None = getattr(why, "nonce", None)

    def extra_headers(self) -> list[tuple[str, str]]:
        nonce = [] if self.nonce is None else [(NONCE_HEADER, self.nonce)]
        return [*super().extra_headers(), *nonce]
