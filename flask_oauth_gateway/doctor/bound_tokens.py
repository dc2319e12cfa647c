"""Explains why a token that is bound to a key, or the proof that came with it, was refused: for which URI the proof is, whether
a certificate was seen, and by which key.
"""

from __future__ import annotations

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import request

from ..crypto.hashing import sha256, token_key
from ..crypto.jose import JwtError, read
from ..errors import shown
from ..proofs.binding import CERTIFICATE, JKT
from .refused import Found, Refused

if TYPE_CHECKING:
    from ..proofs.binding import Binding

NO_PROOF = "no proof: the request has no header DPoP"


def _target(refused: Refused, found: re.Match[str]) -> Found:
    """The URI, where that is what is wrong: an origin of the settings with the path as the app sees it."""
    return f"htu {found[2].rstrip('.')} (OAUTH_ISSUER, OAUTH_RESOURCES, OAUTH_PUBLIC_ORIGINS)", f"htu {found[1]}"


def _proof(refused: Refused, found: re.Match[str]) -> Found:
    return refused.description, _proof_in_words(refused)


def _nonce(refused: Refused, found: re.Match[str]) -> Found:
    return "the nonce of the header DPoP-Nonce, which ends after four minutes (OAUTH_DPOP_NONCE)", _proof_in_words(
        refused
    )


def _key(refused: Refused, found: re.Match[str]) -> Found:
    return f"a proof by the key with the thumbprint {_confirmation(refused).get(JKT)}", _proof_in_words(refused)


def _scheme(refused: Refused, found: re.Match[str]) -> Found:
    sent = request.headers.get("Authorization", "").partition(" ")[0]
    came = f"'Authorization: {shown(sent, 20)[1:-1]}'" if sent else "a token without a scheme"
    return refused.description.partition(": ")[2].rstrip("."), came


def _certificate(refused: Refused, found: re.Match[str]) -> Found:
    return f"the certificate with x5t#S256 {_confirmation(refused).get(CERTIFICATE)}", _certificate_in_words(refused)


def _kind(refused: Refused, found: re.Match[str]) -> Found:
    settings, members = (
        refused.server.settings,
        ", ".join(map(str, _confirmation(refused))) or "nothing that can be read",
    )
    on = [name for name, is_on in ((JKT, settings.dpop), (CERTIFICATE, settings.mtls)) if is_on]
    return f"cnf with {' or '.join(on) or 'nothing'} (OAUTH_DPOP, OAUTH_MTLS)", f"cnf with {members}"


def _confirmation(refused: Refused) -> Mapping[str, Any]:
    """What the token is bound to, where it can be read."""
    server, token = refused.server, refused.token or ""
    row = server.tokens.find(token_key(token))
    if row is not None:
        return server.own_tokens.from_row(row).confirmation
    try:
        members = read(token).claims.get("cnf")
    except JwtError:
        return {}
    return members if isinstance(members, Mapping) else {}


def _proof_in_words(refused: Refused) -> str:
    """A proof taken apart: nothing of it that could be used again."""
    from ..proofs.proof_key import read_header

    text = request.headers.get("DPoP")
    if text is None:
        return NO_PROOF
    try:
        jwt = read(text, lambda segment: read_header(segment).members)
        thumbprint = read_header(text.partition(".")[0]).thumbprint
    except JwtError as error:
        return f"what is no proof: {error}"
    claims, parts = jwt.claims, [f"a proof by the key with the thumbprint {thumbprint}"]
    parts += [f"{name} {shown(claims.get(name), 120)}" for name in ("htm", "htu")]
    made = claims.get("iat")
    if isinstance(made, (int, float)) and not isinstance(made, bool):
        ago = int(time.time() - made)
        parts.append(f"made {ago} s ago" if ago >= 0 else f"made {-ago} s from now")
    if refused.token is not None:
        made_of_token = urlsafe_b64encode(sha256(refused.token)).rstrip(b"=").decode()
        parts.append("ath " + ("of this token" if claims.get("ath") == made_of_token else "of another token or none"))
    parts += [f"{'a' if name in claims else 'no'} {name}" for name in ("jti", "nonce")]
    return ", ".join(parts)


def _certificate_in_words(refused: Refused) -> str:
    binding: Binding | None = refused.server.binding
    certificates = None if binding is None else binding.certificates
    seen = None if certificates is None else certificates.of(request)
    if seen is not None:
        return f"that with x5t#S256 {seen.thumbprint}"
    settings = refused.server.settings
    source = settings.mtls_certificate
    name = source.get("header") if isinstance(source, Mapping) else source
    peers = ", ".join(settings.mtls_peers)
    return f"no certificate that can be read as {name} sends it (OAUTH_MTLS_CERTIFICATE); of others than {peers} none is believed"


#: Rows of `explanations.RULES`.
BOUND_TOKEN_RULES: tuple[tuple[str, str, str, Callable[[Refused, re.Match[str]], Found], str], ...] = (
    ("invalid_dpop_proof", r".* its htu is (.*), and the URI of the request (.*)", "URI of the proof", _target,
     "RFC 9449 section 4.3"),
    ("invalid_dpop_proof", "", "DPoP proof", _proof, "RFC 9449 section 4.3"),
    ("use_dpop_nonce", "", "nonce of the proof", _nonce, "RFC 9449 sections 8 and 9"),
    ("invalid_token", "The access token is bound to another key", "key of the token", _key, "RFC 9449 section 7.1"),
    ("invalid_token", "The access token is (not )?bound to a (key|certificate, and no key): send", "scheme of the token",
     _scheme, "RFC 9449 section 7.1"),
    ("invalid_token", "The access token is bound to (a|another) certificate", "certificate of the token", _certificate,
     "RFC 8705 section 3"),
    ("invalid_token", "The access token is (not )?bound to a key", "binding of the token", _kind,
     "RFC 9449 section 6, RFC 8705 section 3"),
)  # fmt: skip
