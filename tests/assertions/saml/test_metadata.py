"""Identity providers' metadata as they are in the field: old certificates, odd encodings, past their time, whole federations."""

import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import load_pem_x509_certificate

from flask_oauth_gateway import ConfigurationError
from tests.support.command_line import told_by
from tests.support.idp import NAME, Idp, certificate_of, metadata, metadata_of, pem, rsa_key
from tests.support.odd_certificates import odd_certificates
from tests.support.relying import Relying
from tests.support.signing import Signer, dsa_key

Make = Callable[..., Relying]
YEARS_OLD = "2014-04-17T18:02:33Z"


ODD = (
    "X25519", "X448", "DSA", "SM2", "unknown curve", "unknown kind", "ML-DSA", "version 4", "version 200", "a 13th month",
    "a date of letters", "a name that is no text", "cut off", "nothing",
)  # fmt: skip
UNUSABLE = ("a DSA key", "an Ed25519 key", "no certificate", *ODD)


def unusable(which: str) -> x509.Certificate | bytes:
    """A certificate that no assertion is signed with, or what is none at all."""
    if which == "a DSA key":
        return certificate_of(dsa_key())
    if which == "an Ed25519 key":
        return load_pem_x509_certificate(Signer("Ed25519").certificate().encode())
    if which == "no certificate":
        return b"0\x82\x01\x00"
    return b64decode("".join(odd_certificates()[which].split("\n")[1:-2]))


def entry(given: Any) -> dict[str, Any]:
    return {NAME: {"metadata": given, "client_id": "partner"}}


@pytest.mark.parametrize("which", UNUSABLE)
@pytest.mark.parametrize("first", [True, False])
def test_a_certificate_that_cannot_be_used_is_skipped_and_named(
    make_relying: Make, idp: Idp, caplog: pytest.LogCaptureFixture, which: str, first: bool
) -> None:
    good, bad = [idp.certificate], [unusable(which)]
    relying = make_relying(entry(metadata_of(*([bad, good] if first else [good, bad]))))
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith(f"OAUTH_SAML_ISSUERS['{NAME}']['metadata']: skipped the certificate ")
    assert f"in KeyDescriptor {1 if first else 2}: " in said
    assert said.isprintable()
    assert relying.accepts(idp.signed())
    assert f"skipped the certificate in KeyDescriptor {1 if first else 2}" in re.sub(
        " of '.*?' in", " in", told_by(relying.app, "issuer", "list")
    )


@pytest.mark.parametrize("which", UNUSABLE)
def test_where_there_is_no_other_the_error_says_why(make_relying: Make, which: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"with a signing certificate \(the certificate .*KeyDescriptor 1: .*\)"
    ):
        make_relying(entry(metadata_of([unusable(which)])))


def test_one_that_stands_beside_it_in_the_same_key_descriptor(make_relying: Make, idp: Idp) -> None:
    for both in ([unusable("a DSA key"), idp.certificate], [idp.certificate, unusable("a DSA key")]):
        assert make_relying(entry(metadata_of(both))).accepts(idp.signed())


# How it is written


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "utf-32", "US-ASCII", "nonsense"])
def test_the_encoding_that_a_text_declares_says_nothing(make_relying: Make, encoding: str) -> None:
    """Python has read the text already."""
    idp = Idp(name="https://idp.example/ä/\N{SNOWMAN}")
    given = f'<?xml version="1.0" encoding="{encoding}"?>\n' + metadata_of([idp.certificate], name=idp.name)
    assert make_relying({idp.name: entry(given)[NAME]}).accepts(idp.signed())


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "windows-1252"])
def test_the_encoding_that_a_file_declares_is_the_file_s(make_relying: Make, tmp_path: Path, encoding: str) -> None:
    idp, path = Idp(name="https://idp.example/ä"), tmp_path / "metadata.xml"
    given = f'<?xml version="1.0" encoding="{encoding}"?>\n' + metadata_of([idp.certificate], name=idp.name)
    path.write_bytes(given.encode(encoding))
    assert make_relying({idp.name: entry(str(path))[NAME]}).accepts(idp.signed())


@pytest.mark.parametrize("before", ["\n", "\r\n \t", "\N{BYTE ORDER MARK}", "\N{BYTE ORDER MARK}\n"])
@pytest.mark.parametrize("as_path", [True, False])
def test_what_stands_before_the_declaration_is_passed_over(
    make_relying: Make, idp: Idp, tmp_path: Path, before: str, as_path: bool
) -> None:
    given = f"{before}<?xml version='1.0' encoding='utf-8'?><!-- of today -->{metadata_of([idp.certificate])}"
    path = tmp_path / "metadata.xml"
    path.write_text(given, encoding="utf-8", newline="")
    assert make_relying(entry(path if as_path else given)).accepts(idp.signed())


def test_a_comment_in_a_certificate_cuts_nothing_off(make_relying: Make, idp: Idp) -> None:
    given = metadata_of([idp.certificate])
    at = given.index("<ds:X509Certificate>") + 300
    assert make_relying(entry(f"{given[:at]}<!-- x -->{given[at:]}")).accepts(idp.signed())


@pytest.mark.parametrize("setting", ["metadata", "certificates", "decryption_key"])
@pytest.mark.parametrize("url", ["https://idp.example/metadata.xml", " HTTP://idp.example/x.pem"])
def test_a_url_where_a_file_belongs_is_told_so(make_relying: Make, setting: str, url: str) -> None:
    given = {"certificates": pem(certificate_of(rsa_key())), setting: url}
    if setting == "metadata":
        del given["certificates"]
    said = r"this is a URL, from which nothing is fetched: save what is there, and give the file's path"
    with pytest.raises(ConfigurationError, match=said) as raised:
        make_relying({NAME: given})
    assert f"['{setting}']" in str(raised.value)


def test_of_a_federation_the_entities_that_are_there_are_named_nearest_first(make_relying: Make) -> None:
    names = [*(f"https://idp{number}.example" for number in range(50)), f"{NAME}/"]
    many = metadata(*((name, "signing", certificate_of(rsa_key())) for name in names))
    with pytest.raises(ConfigurationError) as raised:
        make_relying(entry(many))
    said = str(raised.value)
    assert f"is 'metadata of {NAME}/, https://idp" in said
    assert f" and others'; it may be those of '{NAME}', with a signing certificate" in said
    assert len(said) < 400
    assert "\n" not in said


# Past their time


@pytest.mark.parametrize(
    ("about", "about_role"),
    [
        (f'validUntil="{YEARS_OLD}"', ""),
        ('validUntil="2014-04-17T18:02:33"', ""),
        ('validUntil="2014-04-17T20:02:33.123+02:00"', ""),
        ('validUntil="2999-01-01T00:00:00Z"', f'validUntil="{YEARS_OLD}"'),
    ],
)
def test_metadata_past_their_time_are_used_and_everybody_is_told(
    make_relying: Make, idp: Idp, caplog: pytest.LogCaptureFixture, about: str, about_role: str
) -> None:
    relying = make_relying(entry(metadata_of([idp.certificate], about=about, about_role=about_role)))
    said = "its metadata was to be had anew by 2014-04-17 (validUntil)"
    assert f"OAUTH_SAML_ISSUERS['{NAME}']['metadata']: {said}." in caplog.messages
    assert relying.accepts(idp.signed())
    assert f"problem:      {said}" in told_by(relying.app, "issuer", "list")
    found = told_by(relying.app, "doctor")
    assert said in found
    assert "get the identity provider's metadata anew" in found


def test_those_of_a_federation_end_with_it(make_relying: Make, idp: Idp, caplog: pytest.LogCaptureFixture) -> None:
    given = metadata((NAME, "signing", idp.certificate)).replace(
        "<md:EntitiesDescriptor ", f'<md:EntitiesDescriptor validUntil="{YEARS_OLD}" '
    )
    make_relying(entry(given))
    assert "(validUntil)" in caplog.text


@pytest.mark.parametrize(
    "until", ["2999-01-01T00:00:00Z", "", "soon", "9999-12-31T23:59:59.9999999Z", "99999-01-01T00:00:00Z"]
)
def test_of_others_nothing_is_said(make_relying: Make, idp: Idp, caplog: pytest.LogCaptureFixture, until: str) -> None:
    relying = make_relying(entry(metadata_of([idp.certificate], about=f'validUntil="{until}"')))
    assert "validUntil" not in caplog.text
    assert "problem" not in told_by(relying.app, "issuer", "list")
    assert "validUntil" not in told_by(relying.app, "doctor")
