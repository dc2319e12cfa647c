"""Distinguished names as people write them (RFC 4514), and as they stand in certificates: equal or not.

Spelling doesn't count: how a character is escaped, spaces around the separators, whether a type is a name or a number,
the order within a set of several, and from which end the name is read (OpenSSL begins with the country, RFC 4514 with
the common name). Every value does, as it is written.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

Parts = tuple[frozenset[tuple[str, str | bytes]], ...]

#: Names of types that cryptography doesn't read by itself: RFC 4519's, OpenSSL's, and those of PSD2's certificates.
TYPES = {
    "E": NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
    "SN": NameOID.SURNAME,
    "SURNAME": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "TITLE": NameOID.TITLE,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "POSTALCODE": NameOID.POSTAL_CODE,
    "BUSINESSCATEGORY": NameOID.BUSINESS_CATEGORY,
    "JURISDICTIONC": NameOID.JURISDICTION_COUNTRY_NAME,
    "JURISDICTIONST": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME,
    "JURISDICTIONL": NameOID.JURISDICTION_LOCALITY_NAME,
}
#: An attribute and what ends it; an escaped separator is a part of its value.
_ATTRIBUTE = re.compile(r"((?:[^\\,+]|\\.)*+)([,+]|\Z)", re.DOTALL)
_HEX = re.compile(r"#((?:[0-9a-fA-F]{2})+)")
_TEXTS = frozenset({0x0C, 0x13, 0x16})  # UTF8String, PrintableString, IA5String


@lru_cache(maxsize=256)
def parse(text: str) -> Parts:
    """The parts of a distinguished name, in the order of a certificate. Raises `ValueError` for what is none."""
    tidy, at, separator = [], 0, ","
    while separator:
        found = _ATTRIBUTE.match(text, at)
        if found is None:
            raise ValueError("a backslash that escapes nothing")
        name, equals, value = found[1].partition("=")
        if not equals:
            raise ValueError("an attribute without '='")
        name = name.strip().upper().removeprefix("OID.")
        separator, at = found[2], found.end()
        tidy += [name, "=", _value(value), separator]
    try:
        return parts_of(x509.Name.from_rfc4514_string("".join(tidy), TYPES))
    except (ValueError, TypeError) as error:
        raise ValueError(str(error) or "an unknown type, or a character that needs a backslash") from None


def parts_of(name: x509.Name) -> Parts:
    """The parts of a certificate's name."""
    return tuple(frozenset((each.oid.dotted_string, each.value) for each in part) for part in name.rdns)


def is_named(name: x509.Name, parts: Parts) -> bool:
    """Whether a certificate's name has these parts, read from either end."""
    own = parts_of(name)
    return own in (parts, parts[::-1])


def _value(text: str) -> str:
    """A value without spaces around it; one in hexadecimal digits of DER (section 2.4) as the text that it is."""
    value = text.lstrip(" ")
    bare = value.rstrip(" ")
    if len(bare) < len(value) and (len(bare) - len(bare.rstrip("\\"))) % 2:
        bare += " "  # this space is escaped
    found = _HEX.fullmatch(bare)
    if found is None:
        return bare
    der = bytes.fromhex(found[1])
    start = 3 if len(der) > 2 and der[1] == 0x81 else 2
    if len(der) < start or der[0] not in _TEXTS or der[start - 1] != len(der) - start:
        raise ValueError("a value in hexadecimal digits that is no text")
    return "".join(f"\\{byte:02x}" for byte in der[start:])
