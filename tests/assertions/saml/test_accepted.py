"""What an identity provider may send: what it signs, how it signs, how it is encoded, whose certificates are known."""

from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.app import server_of
from tests.support.idp import (
    EMAIL,
    EXCLUSIVE,
    NAME,
    NS,
    SERVER,
    TOKEN_ENDPOINT,
    Idp,
    assertion,
    at,
    certificate_of,
    ec_key,
    encode,
    metadata,
    pem,
    response,
    rsa_key,
    signed_with_sha1,
    text,
    timed,
    tree,
)  # fmt: skip
from tests.support.relying import Relying

Make = Callable[..., Relying]


class TestWhatIsSigned:
    def test_the_assertion(self, relying: Relying, idp: Idp) -> None:
        told = relying.accepts(idp.signed())
        assert told["subject"] == "alice"
        assert told["client"] == "partner"
        assert told["scopes"] == ["weather:read", "weather:write"]

    def test_the_assertion_in_a_response(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(response(idp.signed()))["subject"] == "alice"

    def test_the_response(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(idp.sign(response(assertion())))["subject"] == "alice"

    def test_both(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(idp.sign(response(idp.signed())))["subject"] == "alice"

    def test_the_signature_where_the_schema_has_it(self, relying: Relying, idp: Idp) -> None:
        """signxml puts it at the end, others after the Issuer; it covers the rest either way."""
        root = tree(idp.signed())
        root.insert(1, root.find("ds:Signature", NS))
        assert relying.accepts(text(root))["subject"] == "alice"

    def test_namespaces_that_the_response_declares(self, relying: Relying, idp: Idp) -> None:
        signed = idp.signed().replace(f' xmlns:saml="{NS["saml"]}"', "", 1)
        assert relying.accepts(
            response(signed).replace("<samlp:Response ", f'<samlp:Response xmlns:saml="{NS["saml"]}" ')
        )


class TestHowItIsSigned:
    @pytest.mark.parametrize("algorithm", ["rsa-sha256", "rsa-sha384", "rsa-sha512"])
    @pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
    def test_rsa(self, relying: Relying, idp: Idp, algorithm: str, digest: str) -> None:
        assert relying.accepts(idp.sign(assertion(), algorithm=algorithm, digest=digest))

    @pytest.mark.parametrize(("curve", "size"), [(ec.SECP256R1, 256), (ec.SECP384R1, 384)])
    def test_ecdsa(self, make_relying: Make, curve: Any, size: int) -> None:
        idp = Idp(key=ec_key(curve))
        assert make_relying({NAME: idp.entry}).accepts(idp.sign(assertion(), algorithm=f"ecdsa-sha{size}"))

    def test_canonicalisation_with_comments_is_the_same_where_there_are_none(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(idp.sign(assertion(), c14n=f"{EXCLUSIVE}WithComments"))

    def test_sha1_where_the_entry_lets_it(self, make_relying: Make, idp: Idp) -> None:
        relying = make_relying({NAME: idp.entry | {"allow_sha1": True}})
        assert relying.accepts(signed_with_sha1(idp))
        assert relying.accepts(idp.signed())


class TestEncoding:
    @pytest.mark.parametrize(
        "encoded",
        [
            lambda data: urlsafe_b64encode(data).decode(),
            lambda data: urlsafe_b64encode(data).decode().rstrip("="),
            lambda data: b64encode(data).decode(),
            lambda data: b64encode(data).decode().rstrip("="),
            lambda data: encodebytes(data).decode(),
            lambda data: encodebytes(data).decode().replace("\n", "\r\n"),
            lambda data: f" {urlsafe_b64encode(data).decode()}\n",
        ],
        ids=["base64url padded", "base64url", "base64 padded", "base64", "lines", "lines with CR", "white space"],
    )
    @pytest.mark.parametrize("length", range(3))
    def test_base64_of_every_kind(
        self, relying: Relying, idp: Idp, encoded: Callable[[bytes], str], length: int
    ) -> None:
        xml = idp.signed() + "\n" * length
        assert relying.accepts(xml, assertion=encoded(xml.encode()))

    @pytest.mark.parametrize(
        "start", ['<?xml version="1.0"?>', "<?xml version='1.0' encoding='UTF-8'?>\n", "\N{BYTE ORDER MARK}"]
    )
    def test_an_xml_declaration(self, relying: Relying, idp: Idp, start: str) -> None:
        assert relying.accepts(start + idp.signed())

    def test_names_that_are_not_ascii(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(idp.signed(subject="Zoë 🦊 &amp; Søn"))["subject"] == "Zoë 🦊 & Søn"


class TestCertificates:
    def test_several_while_they_roll_over(self, make_relying: Make) -> None:
        old, new, stranger = (Idp(key=rsa_key(number)) for number in range(3))
        entry = {"certificates": [pem(old.certificate), pem(new.certificate)], "client_id": "partner"}
        relying = make_relying({NAME: entry})
        assert relying.accepts(old.signed())
        assert relying.accepts(new.signed())
        assert "signature is wrong" in relying.refuses(stranger.signed())

    def test_one_of_several_has_expired(self, make_relying: Make) -> None:
        new = Idp(key=rsa_key(1))
        old = Idp(certificate=certificate_of(rsa_key(), since=-9, until=-1))
        relying = make_relying({NAME: new.entry | {"certificates": [pem(old.certificate), pem(new.certificate)]}})
        assert relying.accepts(new.signed())
        assert "has expired" in relying.refuses(old.signed())

    def test_in_one_text_and_in_a_file(self, make_relying: Make, tmp_path: Path) -> None:
        idps = [Idp(key=rsa_key(number)) for number in range(2)]
        text = "".join(pem(idp.certificate) for idp in idps)
        path = tmp_path / "certificates.pem"
        path.write_text(text)
        for given in (text, str(path), [str(path)], path):
            relying = make_relying({NAME: {"certificates": given, "client_id": "partner"}})
            assert all(relying.accepts(idp.signed()) for idp in idps)

    @pytest.mark.parametrize("use", ["signing", ""])
    @pytest.mark.parametrize("as_path", [False, True])
    def test_metadata(self, make_relying: Make, tmp_path: Path, use: str, as_path: bool) -> None:
        idp, other, encrypts = (Idp(key=rsa_key(number)) for number in range(3))
        given = metadata(
            (NAME, use, idp.certificate),
            (NAME, "encryption", encrypts.certificate),
            ("https://other.example", "signing", other.certificate),
        )
        if as_path:
            path = tmp_path / "metadata.xml"
            path.write_text(f"\N{BYTE ORDER MARK}<?xml version='1.0'?>\n{given}", encoding="utf-8")
            given = str(path)
        relying = make_relying({NAME: {"metadata": given, "client_id": "partner"}})
        assert relying.accepts(idp.signed())
        assert "signature is wrong" in relying.refuses(other.signed(issuer=NAME))
        assert "signature is wrong" in relying.refuses(encrypts.signed())

    def test_a_client_that_signs_for_itself(self, relying: Relying) -> None:
        own = Idp(name="vault", key=rsa_key(1))
        relying.register(client_id="vault", certificate=pem(own.certificate))
        told = relying.accepts(own.signed())
        assert (told["client"], told["subject"]) == ("vault", "alice")
        assert relying.accepts(own.signed(subject="vault"))["subject"] is None
        nameless = own.sign(assertion(issuer="vault").replace(f'<saml:NameID Format="{EMAIL}">alice</saml:NameID>', ""))
        assert relying.accepts(nameless)["subject"] is None
        assert "signature is wrong" in relying.refuses(Idp(name="vault", key=rsa_key(2)).signed())

    def test_a_client_with_a_new_certificate_is_known_at_once(self, relying: Relying) -> None:
        """A process remembers a client for some seconds; another one may have changed it meanwhile."""
        old, new = (Idp(name="rolling", key=rsa_key(number)) for number in (1, 2))
        relying.register(client_id="rolling", certificate=pem(old.certificate))
        assert relying.accepts(old.signed())
        cache = server_of(relying.app).clients._cache
        remembered = cache["rolling"]
        with relying.app.app_context():
            relying.gateway.clients.update("rolling", certificate=pem(new.certificate))
        cache["rolling"] = remembered
        assert relying.accepts(new.signed())
        cache["rolling"] = remembered
        assert "signature is wrong" in relying.refuses(old.signed())


class TestRules:
    @pytest.mark.parametrize("audience", [SERVER, TOKEN_ENDPOINT])
    @pytest.mark.parametrize("recipient", [SERVER, TOKEN_ENDPOINT])
    def test_the_server_by_either_name(self, relying: Relying, idp: Idp, audience: str, recipient: str) -> None:
        assert relying.accepts(idp.signed(audience=audience, recipient=recipient))

    def test_names_of_the_entrys_own(self, make_relying: Make, idp: Idp) -> None:
        entry = idp.entry | {"audience": "urn:us", "recipient": ["https://us.example/acs"]}
        relying = make_relying({NAME: entry})
        assert relying.accepts(idp.signed(audience="urn:us", recipient="https://us.example/acs"))
        assert "Audience" in relying.refuses(idp.signed(recipient="https://us.example/acs"))
        assert "Recipient" in relying.refuses(idp.signed(audience="urn:us"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<saml:Audience>", "<saml:Audience>https://other.example</saml:Audience><saml:Audience>"),
            ("</saml:Conditions>", "<saml:OneTimeUse/></saml:Conditions>"),
            ("</saml:Conditions>", '<saml:ProxyRestriction Count="0"/></saml:Conditions>'),
            ("<saml:AuthnStatement ", '<saml:AuthnStatement SessionNotOnOrAfter="2999-01-01T00:00:00Z" '),
            ('Version="2.0" ', 'Version="2.0" xmlns:x="urn:x" x:more="kept" '),
            ("Z", ".5Z"),
            ("Z", "+00:00"),
        ],
    )
    def test_what_changes_nothing(self, relying: Relying, idp: Idp, old: str, new: str) -> None:
        assert relying.accepts(idp.sign(assertion().replace(old, new)))

    def test_any_one_of_several_confirmations(self, relying: Relying, idp: Idp) -> None:
        xml = assertion()
        start, end = xml.index("<saml:SubjectConfirmation "), xml.index("</saml:Subject>")
        confirmation = xml[start:end]
        others = (
            confirmation.replace("cm:bearer", "cm:holder-of-key")
            + confirmation.replace(TOKEN_ENDPOINT, "https://other.example")
            + confirmation.replace("NotOnOrAfter=", f'NotBefore="{at(90)}" NotOnOrAfter=')
        )
        assert relying.accepts(idp.sign(xml[:start] + others + xml[start:]))

    def test_expiry_in_one_of_the_two_places(self, relying: Relying, idp: Idp) -> None:
        head, _, tail = assertion().rpartition(" NotOnOrAfter=")
        assert relying.accepts(idp.sign(head + tail[tail.index(">") :]))
        xml = assertion()
        start = xml.index("<saml:SubjectConfirmationData")
        bare = xml[:start] + xml[xml.index("</saml:SubjectConfirmation>") :]
        assert relying.accepts(idp.sign(bare))

    def test_clocks_that_differ(self, relying: Relying, idp: Idp) -> None:
        assert relying.accepts(idp.sign(assertion(lifetime=-50)))
        assert relying.accepts(idp.sign(timed(timed(assertion(), "IssueInstant", 50), "NotBefore", 50)))


def test_the_text_has_whitespace_around_it(relying: Relying, idp: Idp) -> None:
    told = relying.accepts("x", assertion=encode(idp.signed(subject="\n  alice\n", audience=f"\n {SERVER} ")))
    assert told["subject"] == "alice"
