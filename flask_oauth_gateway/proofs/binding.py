"""Which key a request proves, for whoever issues tokens, and whether it is a token's own key, for whoever takes them.

What a token is bound to stands in its `cnf`: `jkt`, a key of DPoP's; `x5t#S256`, the certificate of a TLS connection.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from flask import after_this_request, has_request_context

from ..config.checks import ConfigurationError
from ..crypto.hashing import app_keys
from ..errors import InvalidToken
from ..web.bearer import DPOP
from ..web.environ import NEW_NONCE, PROOF_TARGET, PROVED
from .dpop import DpopProofs, Proof
from .errors import NONCE_HEADER, InvalidDpopProof, UsedProof
from .nonces import Nonces
from .replay import AskedInRedis, OnceInMemory, OnceInRedis
from .target_uri import Targets

if TYPE_CHECKING:
    from flask import Flask, Request, Response

    from ..config import Settings
    from ..database.redis.shared import Redis
    from ..stores.issuance import Spend
    from ..stores.once import OnceStore
    from .certificates import Certificates
    from .replay import Once

JKT, CERTIFICATE = "jkt", "x5t#S256"
NOT_TAKEN = "The access token is bound to a key in a way that is not taken here."
Confirmation = Mapping[str, str]


class Taken(Protocol):
    """What is read of a token that is taken."""

    client_id: str
    details: Mapping[str, Any]


class Offer(NamedTuple):
    """What an endpoint's request proves: members of a `cnf`, empty where it proves nothing.

    `claim` claims the proof as used, in the statement or transaction that stores the token; `None` where nothing is left
    to claim. `settle` claims it now, and does nothing where it is claimed.
    """

    confirmation: dict[str, str]
    claim: Spend | None
    settle: Callable[[], None]


class Binding:
    """Binds tokens to keys, and checks that who presents a bound one has the key. There is one for each app."""

    def __init__(
        self,
        settings: Settings,
        dpop: DpopProofs | None,
        targets: Targets,
        once: Once,
        store: OnceStore | None,
        nonces: tuple[Nonces, Nonces] | None,
        is_own_endpoint: Callable[[Request], bool],
        certificates: Certificates | None = None,
    ) -> None:
        """`store`: the database's replay guard, where it is the one. `nonces`: those of endpoints, and of taken tokens.

        `dpop`, `certificates`: each `None` where it is off.
        """
        self.certificates = certificates
        self.algorithms = settings.dpop_algorithms
        self._dpop = dpop
        self._targets = targets
        self._once = once
        self._store = store
        self._at_endpoints = None if nonces is None else nonces[0]
        self._where_taken = None if nonces is None else nonces[1]
        self._is_own_endpoint = is_own_endpoint
        self._kinds = ({JKT} if dpop else set()) | ({CERTIFICATE} if certificates else set())
        self._takes_bound_alone = settings.in_profile.takes_bound_tokens_alone
        self._remembers_everywhere = settings.dpop_replay == "everywhere"

    def offered(self, http: Request) -> dict[str, str]:
        """The members of a `cnf` that an endpoint's request proves; none where it has no proof.

        Raises `InvalidDpopProof` and `UseDpopNonce`, and `TemporarilyUnavailable` where nobody can tell whether the
        proof was used before.
        """
        offer = self.offer(http)
        offer.settle()
        return offer.confirmation

    def offer(self, http: Request) -> Offer:
        """What `offered` returns, with a proof that the caller claims, in the statement that acts. Raises the same."""
        proof = None if self._dpop is None else self._proof_of(self._dpop, http, None, self._at_endpoints)
        confirmation = {}
        certificate = None if self.certificates is None else self.certificates.of(http)
        if certificate is not None:
            confirmation[CERTIFICATE] = certificate.thumbprint
        if proof is None:
            return Offer(confirmation, None, _nothing)
        confirmation[JKT] = proof.thumbprint
        if self._store is None or http.environ.get(PROVED) == proof.key:
            self._claim(http, proof)
            return Offer(confirmation, None, _nothing)
        claim = self._store.claiming(proof.key, proof.until)
        return Offer(confirmation, claim, lambda: self._claim(http, proof))

    def check(self, http: Request, token: Taken, presented: str, scheme: str) -> None:
        """Check that a request may use this token: it proves the key to which the token is bound, if to any.

        `presented`: the token as it came, by this `scheme` ("bearer", "dpop"). Raises `BearerError`s, and
        `TemporarilyUnavailable`. A binding of a kind that isn't known, or isn't on, is never passed over.
        """
        confirmation = token.details.get("cnf")
        if confirmation is None:
            if scheme == DPOP:
                raise InvalidToken("The access token is not bound to a key: send it as Bearer.", token.client_id)
            if self._takes_bound_alone:
                raise InvalidToken("Only an access token that is bound to a key is taken here.", token.client_id)
            return
        if not isinstance(confirmation, Mapping) or not confirmation or not confirmation.keys() <= self._kinds:
            raise InvalidToken(NOT_TAKEN, token.client_id)
        if CERTIFICATE in confirmation:
            self._check_certificate(http, token, confirmation[CERTIFICATE])
        if JKT not in confirmation:
            if scheme == DPOP:
                raise InvalidToken(
                    "The access token is bound to a certificate, and no key: send it as Bearer.", token.client_id
                )
            return
        if scheme != DPOP or self._dpop is None:
            raise InvalidToken("The access token is bound to a key: send it as DPoP, with a proof.", token.client_id)
        try:
            self._check_proof(http, self._dpop, token, presented, confirmation[JKT])
        except InvalidDpopProof as error:
            refused = error.where_a_token_is_taken(self.algorithms)
            refused.client_id = token.client_id
            raise refused from None

    def asked_of_proof(self, http: Request) -> dict[str, str]:
        """What a good proof says of a request with a token: `htm`, an `htu`, and where nonces are on the `nonce`."""
        claims = {"htm": http.method, "htu": min(self._targets.of(http))}
        return claims if self._where_taken is None else claims | {"nonce": self._where_taken.current()}

    @contextmanager
    def rehearsing(self) -> Iterator[None]:
        """Claim no proof in Redis meanwhile; what is claimed in a database is undone with the rest that is written there."""
        kept = self._once
        if isinstance(kept, OnceInRedis):
            self._once = AskedInRedis(kept.redis)
        try:
            yield
        finally:
            self._once = kept

    def _check_proof(self, http: Request, dpop: DpopProofs, token: Taken, presented: str, thumbprint: object) -> None:
        """Check that the request proves the key to which a token is bound (RFC 9449 section 7)."""
        proof = self._proof_of(dpop, http, presented, self._where_taken)
        if proof is None:
            raise InvalidDpopProof("The access token is bound to a key: the request needs a proof in the header DPoP.")
        if proof.thumbprint != thumbprint:
            raise InvalidToken("The access token is bound to another key than the proof's.", token.client_id)
        if self._remembers_everywhere or self._is_own_endpoint(http):
            self._claim(http, proof)
        if proof.new_nonce is not None and has_request_context():
            _send(http, proof.new_nonce)

    def _check_certificate(self, http: Request, token: Taken, thumbprint: object) -> None:
        """Check that the request comes with the certificate to which a token is bound (RFC 8705 section 3)."""
        found = None if self.certificates is None else self.certificates.of(http)
        if found is None or not isinstance(thumbprint, str):
            raise InvalidToken("The access token is bound to a certificate: the connection needs it.", token.client_id)
        if not hmac.compare_digest(found.thumbprint.encode(), thumbprint.encode("utf-8", "replace")):
            raise InvalidToken(
                "The access token is bound to another certificate than the connection's.", token.client_id
            )

    def _proof_of(self, dpop: DpopProofs, http: Request, presented: str | None, nonces: Nonces | None) -> Proof | None:
        if "HTTP_DPOP" not in http.environ:
            return None
        method, path = http.environ.get(PROOF_TARGET) or (http.method, None)
        proof = dpop.check(
            http, access_token=presented, method=method, uris=self._targets.of(http, path), nonces=nonces
        )
        if proof is not None and proof.new_nonce is not None and presented is None:
            _send(http, proof.new_nonce)
        return proof

    def _claim(self, http: Request, proof: Proof) -> None:
        """Claim a proof, once for each request however often it is checked. Raises `UsedProof`."""
        if http.environ.get(PROVED) == proof.key:
            return
        if not self._once.claim(proof.key, proof.until):
            raise UsedProof
        http.environ[PROVED] = proof.key


def load_binding(
    app: Flask,
    settings: Settings,
    mount_point: Callable[[], str],
    resource_of: Callable[[str], str | None],
    is_own_endpoint: Callable[[Request], bool],
    redis: Redis | None,
    store: OnceStore | None,
) -> Binding:
    """The binding of an app in which tokens may be bound. Raises `ConfigurationError` where nothing can keep used proofs."""
    once: Once
    if redis is not None:
        once, store = OnceInRedis(redis), None
    elif store is not None:
        once = store
    else:
        if settings.dpop and settings.dpop_replay == "everywhere" and not (app.debug or app.testing):
            raise ConfigurationError(
                "OAUTH_DPOP", settings.dpop,
                "True in an app without a database only with OAUTH_REDIS_URL, where used proofs are kept, or with"
                ' OAUTH_DPOP_REPLAY = "endpoints"',
            )  # fmt: skip
        once = OnceInMemory()
    nonces = None
    if settings.dpop and settings.dpop_nonce:
        keys = _keys(app, settings)
        nonces = Nonces(keys, "of the endpoints"), Nonces(keys, "of resources")
    dpop = (
        DpopProofs(settings.dpop_algorithms, settings.dpop_lifetime, skew=settings.clock_skew)
        if settings.dpop
        else None
    )
    targets = Targets(app, settings, mount_point, resource_of)
    certificates = None
    if settings.mtls:
        from .certificates import Certificates

        certificates = Certificates(app, settings)
    return Binding(settings, dpop, targets, once, store, nonces, is_own_endpoint, certificates)


def _keys(app: Flask, settings: Settings) -> Callable[[], list[bytes]]:
    def keys() -> list[bytes]:
        return app_keys(app.config, settings.key_encryption_key)

    if not keys():
        raise ConfigurationError(
            "OAUTH_DPOP_NONCE", True, "False in an app without SECRET_KEY: nonces are made from it"
        )
    return keys


def _send(http: Request, nonce: str) -> None:
    """Tell the client the nonce to use from now on, in whatever answer it gets.

    The note is for what answers without Flask: `gateway.wsgi`, `gateway.asgi`.
    """
    http.environ[NEW_NONCE] = nonce

    @after_this_request
    def send(response: Response) -> Response:
        response.headers[NONCE_HEADER] = nonce
        return response


def _nothing() -> None:
    """Settle an offer of which nothing is left to claim."""
