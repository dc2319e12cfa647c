"""Who has signed a client's certificate: one of `OAUTH_MTLS_CA`, or one that the proxy has checked (RFC 8705 section 2.1).

Many clients' certificates have no subject alternative name, which the usual rules of cryptography ask for; without those
rules it would take a web server's certificate too. So the client's own certificate is checked here, and the chain there.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from ..config.checks import ConfigurationError
from ..crypto.certificates import NO_EXTENSIONS, UnusableKey, certificates_of, pem_bytes
from ..crypto.jwk import MIN_RSA_BITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509.verification import Policy

    from ..config import Settings
    from .certificates import ClientCertificate

MAX_CA = 1 << 20  # bytes of a file
KEY = "OAUTH_MTLS_CA"


class Trust:
    """Tells whether somebody who is trusted has signed a certificate for a client.

    `authorities`: whose signature counts; where there are none, the word of the proxy.
    """

    def __init__(self, authorities: Sequence[x509.Certificate]) -> None:
        self._policy = None
        if authorities:
            authority = (
                ExtensionPolicy.permit_all()
                .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)  # who asks for it also reads it
                .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
                .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _signs_for_clients)
                .may_be_present(x509.NameConstraints, Criticality.AGNOSTIC, _signs_any_subject)
            )
            self._policy = (
                PolicyBuilder()
                .store(Store(list(authorities)))
                .extension_policies(ca_policy=authority, ee_policy=ExtensionPolicy.permit_all())
            )

    def problem_with(self, presented: ClientCertificate) -> str | None:
        """Why a certificate isn't one that a trusted authority has given to a client, and is valid now; `None` if it is."""
        now = datetime.fromtimestamp(int(time.time()), UTC)
        problem = not_in_force(presented.certificate, now) or _not_a_client_s(presented.certificate)
        if problem is not None:
            return problem
        if self._policy is None:
            return None if presented.verified else "the proxy doesn't say that it has checked it"
        try:
            self._policy.time(now).build_client_verifier().verify(presented.certificate, list(presented.chain))
        except (VerificationError, ValueError, TypeError) as error:
            return f"no chain to OAUTH_MTLS_CA: {error}"
        return None


def not_in_force(certificate: x509.Certificate, now: datetime) -> str | None:
    """Why a certificate doesn't count at this time, by its own dates."""
    if now > certificate.not_valid_after_utc:
        return "it has expired"
    return "it is not valid yet" if now < certificate.not_valid_before_utc else None


def load_trust(settings: Settings) -> Trust:
    """Whom an app trusts. Raises as `authorities_of` does."""
    return Trust(authorities_of(settings))


def authorities_of(settings: Settings) -> list[x509.Certificate]:
    """The certificates in `OAUTH_MTLS_CA`. Raises `ConfigurationError` for what is no certificate of an authority."""
    found: list[x509.Certificate] = []
    for given in settings.mtls_ca or ():
        try:
            pem = pem_bytes(given) if "-----BEGIN" in given else _content(given)
            certificates = certificates_of(pem)
        except (UnusableKey, OSError, ValueError) as error:
            why = f"PEM certificates, or the paths of files with them ({error})"
            raise ConfigurationError(KEY, given, why) from None
        for each in certificates:
            if not _is_authority(each):
                name = each.subject.rfc4514_string()
                allowed = f"certificates of authorities: {name} may sign no others (it has no basicConstraints with cA)"
                raise ConfigurationError(KEY, given if "-----BEGIN" not in given else "a PEM text", allowed)
        found += certificates
    return found


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MAX_CA)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except NO_EXTENSIONS:
        return False


def _not_a_client_s(certificate: x509.Certificate) -> str | None:
    """What a certificate says that it is for, where that is something else than being a client; or its key is too short."""
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return f"its key has less than {MIN_RSA_BITS} bits"
    try:
        extensions = certificate.extensions
    except NO_EXTENSIONS:
        return "its extensions can't be read"
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in value:
            return "it is not for clients (its extended key usage lacks clientAuth)"
        if isinstance(value, x509.KeyUsage) and not (value.digital_signature or value.key_agreement):
            return "it is not for signatures (its key usage)"
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return "it is an authority's own"
    return None


def _signs_certificates(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an authority's key usage lacks keyCertSign")


def _signs_for_clients(policy: Policy, certificate: x509.Certificate, usages: x509.ExtendedKeyUsage | None) -> None:
    fit = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usages is not None and fit.isdisjoint(usages):
        raise ValueError("an authority's extended key usage lacks clientAuth")


def _signs_any_subject(policy: Policy, certificate: x509.Certificate, names: x509.NameConstraints | None) -> None:
    """Alternative names are held against an authority's limits by cryptography; subjects by nobody (RFC 5280 4.2.1.10)."""
    limits = [] if names is None else [*(names.permitted_subtrees or ()), *(names.excluded_subtrees or ())]
    if any(isinstance(each, x509.DirectoryName) for each in limits):
        raise ValueError("an authority may sign certain subjects alone, which isn't checked here")
