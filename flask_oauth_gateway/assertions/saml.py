"""Checks the rules of a SAML bearer assertion, after its signature (RFC 7522 section 3, SAML core section 2)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lxml import etree

from ..stores.once import once_key
from .assertion import MAX_NAME, Assertion, AssertionRefused
from .saml_encryption import decrypt
from .saml_xml import ASSERTION, NS, XML_SPACE, parse_decrypted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
KNOWN_CONDITIONS = frozenset(
    f"{{{ASSERTION}}}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|\+00:00)?")


def check_saml(
    element: etree._Element,
    *,
    issuer: str,
    audience: frozenset[str],
    recipient: frozenset[str],
    skew: int,
    max_lifetime: int,
    decryption_keys: Iterable[RSAPrivateKey] = (),
) -> Assertion:
    """Check a signed Assertion, rule by rule. `decryption_keys` open an EncryptedID. Raises `AssertionRefused`."""
    now = time.time()
    if element.get("Version") != "2.0":
        raise AssertionRefused("it is not SAML 2.0")
    identity = element.get("ID")
    if not identity:
        raise AssertionRefused("it has no ID")
    if _text(element, "saml:Issuer") != issuer:
        raise AssertionRefused("its Issuer is not the one whose certificate signed it")
    issued = _time(element, "IssueInstant")
    if issued is None or issued - skew > now:
        raise AssertionRefused("it was issued in the future, or doesn't say when")
    until = _check_conditions(element, audience, now, skew)
    confirmed_until = _check_confirmation(element, recipient, now, skew, needs_expiry=until is None)
    ends = min(time for time in (until, confirmed_until) if time is not None)
    if ends > now + max_lifetime + skew or ends - issued > max_lifetime + skew:
        raise AssertionRefused(f"it lives longer than the {max_lifetime} seconds that are allowed")
    for statement in element.findall("saml:AuthnStatement", NS):
        session_ends = _time(statement, "SessionNotOnOrAfter")
        if session_ends is not None and session_ends + skew <= now:
            raise AssertionRefused("the session that it tells of has ended")
    name_id = _name_id(element, decryption_keys)
    return Assertion(
        kind="saml",
        issuer=issuer,
        subject=None if name_id is None else _subject(name_id),
        expires_at=int(ends) + skew + 1,
        replay_key=once_key("assertion", issuer, "ID", identity),
        attributes=_attributes(element),
        name_id_format=None if name_id is None else name_id.get("Format"),
    )


def _check_conditions(element: etree._Element, audience: frozenset[str], now: float, skew: int) -> float | None:
    """Check times and audience, and refuse unknown conditions (SAML core section 2.5). Returns the end, if one is named."""
    found = element.findall("saml:Conditions", NS)
    if len(found) != 1:
        raise AssertionRefused("it has no Conditions, or more than one")
    conditions = found[0]
    not_before, until = _time(conditions, "NotBefore"), _time(conditions, "NotOnOrAfter")
    if not_before is not None and not_before - skew > now:
        raise AssertionRefused(f"it is not valid yet, for {int(not_before - now)} seconds")
    if until is not None and until + skew <= now:
        raise AssertionRefused(f"it expired {int(now - until)} seconds ago")
    for child in conditions:
        if child.tag not in KNOWN_CONDITIONS:
            raise AssertionRefused(
                f"it has a condition that is not understood ({child.tag.rpartition('}')[2][:100]!r})"
            )
    restrictions = conditions.findall("saml:AudienceRestriction", NS)
    if not restrictions:
        raise AssertionRefused("it names no Audience")
    for restriction in restrictions:  # each of them must be met (SAML core section 2.5.1.4)
        if not audience.intersection(
            (each.text or "").strip(XML_SPACE) for each in restriction.findall("saml:Audience", NS)
        ):
            raise AssertionRefused(f"its Audience does not name this server ({' or '.join(sorted(audience))})")
    return until


def _check_confirmation(
    element: etree._Element, recipient: frozenset[str], now: float, skew: int, *, needs_expiry: bool
) -> float | None:
    """Check that one bearer confirmation is for this recipient and valid now (RFC 7522 section 3, rule 5).

    Returns when the last confirmation for this recipient ends, as the assertion might be brought again until then.
    """
    reasons = ["it has no bearer SubjectConfirmation"]
    holds, last, open_end = False, 0.0, False
    for confirmation in element.findall("saml:Subject/saml:SubjectConfirmation", NS):
        if confirmation.get("Method") != BEARER:
            continue
        data = confirmation.find("saml:SubjectConfirmationData", NS)
        if data is None:
            if needs_expiry:
                reasons.append("neither its Conditions nor its SubjectConfirmationData says when it expires")
            else:
                holds = open_end = True
            continue
        ends, starts = _time(data, "NotOnOrAfter"), _time(data, "NotBefore")
        if data.get("Recipient") not in recipient:
            reasons.append(f"its Recipient is not this server's token endpoint ({' or '.join(sorted(recipient))})")
        elif ends is None:
            reasons.append("its SubjectConfirmationData does not say when it expires")
        else:
            last = max(last, ends)
            if ends + skew <= now or (starts is not None and starts - skew > now):
                reasons.append("its SubjectConfirmationData has expired, or is not valid yet")
            else:
                holds = True
    if not holds:
        raise AssertionRefused(reasons[-1])
    return None if open_end else last


def _name_id(element: etree._Element, keys: Iterable[RSAPrivateKey]) -> etree._Element | None:
    """The subject's NameID. Another kind of identifier, or a second one, would be ambiguous (SAML core section 2.4.1)."""
    found = [
        each
        for subject in element.findall("saml:Subject", NS)
        for each in subject
        if each.tag != f"{{{ASSERTION}}}SubjectConfirmation"
    ]
    if [each.tag for each in found] == [f"{{{ASSERTION}}}EncryptedID"]:
        try:
            return parse_decrypted(decrypt(found[0], keys, is_verified=True), found[0], "NameID")
        except AssertionRefused as error:
            raise AssertionRefused(f"its Subject is an EncryptedID: {error}") from error
    if len(found) > 1 or any(each.tag != f"{{{ASSERTION}}}NameID" for each in found):
        there = " ".join(each.tag.rpartition("}")[2] for each in found)
        raise AssertionRefused(f"its Subject is something else than one NameID or EncryptedID ({there[:100]})")
    return found[0] if found else None


def _attributes(element: etree._Element) -> dict[str, list[str]]:
    """The values of each attribute, by its name."""
    found: dict[str, list[str]] = {}
    for attribute in element.findall("saml:AttributeStatement/saml:Attribute", NS):
        values = [each.text or "" for each in attribute.findall("saml:AttributeValue", NS) if not len(each)]
        found.setdefault(attribute.get("Name") or "", []).extend(values)
    return found


def _subject(name_id: etree._Element) -> str:
    text = (name_id.text or "").strip(XML_SPACE)
    if len(name_id) or not text or not text.isprintable() or len(text) > MAX_NAME:
        raise AssertionRefused(f"its NameID is not a text of at most {MAX_NAME} characters")
    return text


def _text(element: etree._Element, path: str) -> str | None:
    found = element.findall(path, NS)
    return (found[0].text or "").strip(XML_SPACE) if len(found) == 1 and not len(found[0]) else None


def _time(element: etree._Element, name: str) -> float | None:
    """A time attribute, in seconds since 1970."""
    value = element.get(name)
    if value is None:
        return None
    try:
        return seconds_of(value)
    except ValueError:
        raise AssertionRefused(f"its {name} is not a time in UTC ({value[:40]!r})") from None


def seconds_of(value: str) -> float:
    """A time as SAML writes it, in seconds since 1970: in UTC, whether or not it says so (SAML core section 1.3.3).

    Raises `ValueError`.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError("not a time in UTC")
    return datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
