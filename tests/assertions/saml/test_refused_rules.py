"""Assertions that are well signed, and break a rule (RFC 7522 section 3, SAML core section 2): each with its reason."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.idp import NAME, NS, SERVER, TOKEN_ENDPOINT, Idp, assertion, at, response, rsa_key, timed
from tests.support.relying import Relying

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
CONDITIONS_END = "</saml:Conditions>"
NAME_ID_END = "</saml:NameID>"
RESTRICTION = "<saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction>"


def without(xml: str, start: str, end: str) -> str:
    """`xml` without what is from `start` to `end`."""
    first = xml.index(start)
    return xml[:first] + xml[xml.index(end, first) + len(end) :]


def changed(old: str, new: str) -> Callable[[], str]:
    """An assertion in which one thing is another."""

    def make() -> str:
        xml = assertion()
        assert old in xml
        return xml.replace(old, new)

    return make


def cut(start: str, end: str) -> Callable[[], str]:
    """An assertion that lacks something."""
    return lambda: without(assertion(), start, end)


def about(**values: Any) -> Callable[[], str]:
    return lambda: assertion(**values)


REFUSED = {
    "another issuer": (about(issuer="https://evil.example"), "issuer 'https://evil.example' is not trusted"),
    "no issuer": (cut("<saml:Issuer>", "</saml:Issuer>"), "issuer '' is not trusted"),
    "an issuer with an element in it": (changed(f"{NAME}</", f"{NAME}<b/></"), "Issuer is not the one"),
    "a second issuer": (
        changed("</saml:Issuer>", "</saml:Issuer><saml:Issuer>https://evil.example</saml:Issuer>"),
        "Issuer is not the one",
    ),
    "the issuer in capitals": (about(issuer=NAME.upper()), "not trusted"),
    "no audience": (cut("<saml:AudienceRestriction>", "</saml:AudienceRestriction>"), "names no Audience"),
    "an empty audience": (about(audience=""), "Audience does not name this server"),
    "an audience that is nobody": (
        cut("<saml:Audience>", "</saml:Audience>"),
        "Audience does not name this server",
    ),
    "another audience": (about(audience="https://other.example"), "Audience does not name this server"),
    "an audience that begins as ours": (about(audience=f"{SERVER}.evil.example"), "Audience does not name"),
    "a second restriction, for others": (
        changed(CONDITIONS_END, RESTRICTION.format("https://other.example") + CONDITIONS_END),
        "Audience does not name this server",
    ),
    "an audience outside of the conditions": (
        lambda: (
            without(assertion(), "<saml:AudienceRestriction>", "</saml:AudienceRestriction>").replace(
                CONDITIONS_END, CONDITIONS_END + RESTRICTION.format(SERVER)
            )
        ),
        "names no Audience",
    ),
    "no conditions": (cut("<saml:Conditions", CONDITIONS_END), "no Conditions, or more than one"),
    "two conditions": (
        lambda: assertion().replace(CONDITIONS_END, f"{CONDITIONS_END}<saml:Conditions>{RESTRICTION}</saml:Conditions>"),
        "no Conditions, or more than one",
    ),
    "expired": (about(lifetime=-61), "expired 6"),
    "expired in its conditions": (
        lambda: timed(assertion(), "NotOnOrAfter", -62, -1),
        "expired 6",
    ),
    "its confirmation expired": (
        lambda: timed(assertion(), "NotOnOrAfter", -62),
        "SubjectConfirmationData has expired",
    ),
    "its confirmation isn't valid yet": (
        lambda: timed(
            assertion().replace("ConfirmationData ", 'ConfirmationData NotBefore="" '), "NotBefore", 90
        ),
        "expired, or is not valid yet",
    ),
    "not valid yet": (
        lambda: timed(assertion(), "NotBefore", 90),
        "is not valid yet",
    ),
    "issued in the future": (
        lambda: timed(assertion(), "IssueInstant", 90),
        "issued in the future",
    ),
    "issued nobody knows when": (cut(" IssueInstant=", 'Z"'), "issued in the future, or doesn't say when"),
    "too long a life": (about(lifetime=3800), "lives longer than the 3600 seconds"),
    "issued long ago for long": (
        lambda: timed(assertion(), "IssueInstant", -3900),
        "lives longer than the 3600 seconds",
    ),
    "no end anywhere": (
        lambda: without(without(assertion(), " NotOnOrAfter=", 'Z"'), " NotOnOrAfter=", 'Z"'),
        "SubjectConfirmationData does not say when it expires",
    ),
    "no end, and no data": (
        lambda: without(
            without(assertion(), "<saml:SubjectConfirmationData", "/>"), " NotOnOrAfter=", 'Z"'
        ),
        "neither its Conditions nor its SubjectConfirmationData",
    ),
    "another recipient": (about(recipient="https://other.example/token"), "Recipient is not"),
    "a recipient in capitals": (about(recipient=TOKEN_ENDPOINT.upper()), "Recipient is not"),
    "no recipient": (changed(f' Recipient="{TOKEN_ENDPOINT}"', ""), "Recipient is not"),
    "no confirmation": (
        cut("<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>"),
        "no bearer SubjectConfirmation",
    ),
    "holder of key": (changed(BEARER, BEARER.replace("bearer", "holder-of-key")), "no bearer SubjectConfirmation"),
    "sender vouches": (changed(BEARER, BEARER.replace("bearer", "sender-vouches")), "no bearer"),
    "a confirmation in no subject": (
        lambda: assertion().replace("<saml:Subject>", "").replace("</saml:Subject>", ""),
        "no bearer SubjectConfirmation",
    ),
    "an unknown condition": (
        changed(CONDITIONS_END, f'<x:Weekdays xmlns:x="urn:x"/>{CONDITIONS_END}'),
        "condition that is not understood ('Weekdays')",
    ),
    "a condition of another kind": (
        changed(
            CONDITIONS_END,
            '<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x"/>' + CONDITIONS_END,
        ),
        "condition that is not understood",
    ),
    "SAML 1.1": (changed('Version="2.0"', 'Version="1.1"'), "not SAML 2.0"),
    "no version": (changed('Version="2.0" ', ""), "not SAML 2.0"),
    "no name": (cut("<saml:NameID", NAME_ID_END), "names no subject"),
    "an empty name": (about(subject=""), "NameID is not a text"),
    "a name of spaces": (about(subject=" \t"), "NameID is not a text"),
    "a name with a line break": (about(subject="ali&#10;ce"), "NameID is not a text"),
    "a name with a no-break space at its end": (about(subject="alice\u00a0"), "NameID is not a text"),
    "a name with a wide space before it": (about(subject="\u3000alice"), "NameID is not a text"),
    "a name with a next-line character": (about(subject="alice\x85"), "NameID is not a text"),
    "a name too long": (about(subject="a" * 256), "NameID is not a text"),
    "an element in its name": (about(subject="alice<b/>"), "NameID is not a text"),
    "two names": (changed(NAME_ID_END, f"{NAME_ID_END}<saml:NameID>bob</saml:NameID>"), "else than one NameID"),
    "two subjects": (
        changed("</saml:Subject>", "</saml:Subject><saml:Subject><saml:NameID>bob</saml:NameID></saml:Subject>"),
        "else than one NameID",
    ),
    "an encrypted name": (
        lambda: assertion().replace("<saml:NameID ", "<saml:EncryptedID ").replace(NAME_ID_END, "</saml:EncryptedID>"),
        "its Subject is an EncryptedID: it does not hold exactly one EncryptedData",
    ),
    "a name of another kind beside": (changed(NAME_ID_END, f"{NAME_ID_END}<saml:BaseID/>"), "else than one NameID"),
    "a session that has ended": (
        changed("<saml:AuthnStatement ", f'<saml:AuthnStatement SessionNotOnOrAfter="{at(-90)}" '),
        "session that it tells of has ended",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_rule_that_is_broken(relying: Relying, idp: Idp, case: str) -> None:
    make, reason = REFUSED[case]
    assert reason in relying.refuses(idp.sign(make()))
    assert reason in relying.refuses(idp.sign(response(idp.sign(make()))))


@pytest.mark.parametrize(
    "time",
    [
        "2040-01-01T00:00:00+01:00", "2040-01-01T00:00:00-00:00", "2040-01-01", "soon", "",
        "2040-13-01T00:00:00Z", "2040-01-01T24:00:01Z", "\uff12040-01-01T00:00:00Z", "+2040-01-01T00:00:00Z", "99999999999",
        " 2040-01-01T00:00:00Z", "2040-01-01 00:00:00Z", "2040-01-01T00:00:00z", "2040-01-01T00:00:00.Z",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["IssueInstant", "NotBefore", "NotOnOrAfter", "SessionNotOnOrAfter"])
def test_a_time_that_is_none_in_utc(relying: Relying, idp: Idp, name: str, time: str) -> None:
    xml = assertion().replace("<saml:AuthnStatement ", f'<saml:AuthnStatement SessionNotOnOrAfter="{at(600)}" ')
    start = xml.rindex(f" {name}=") + len(name) + 3
    assert f"{name} is not a time in UTC" in relying.refuses(
        idp.sign(xml[:start] + time + xml[xml.index('"', start) :])
    )


class TestWhoseAssertionItIs:
    def test_one_issuer_speaks_for_no_other(self, make_relying: Callable[..., Relying], idp: Idp) -> None:
        other = Idp(name="https://other.example", key=rsa_key(1))
        relying = make_relying({idp.name: idp.entry, other.name: other.entry})
        assert "signature is wrong" in relying.refuses(other.signed(issuer=idp.name))
        assert relying.accepts(other.signed())

    def test_a_response_of_one_issuer_around_the_name_of_another(
        self, make_relying: Callable[..., Relying], idp: Idp
    ) -> None:
        other = Idp(name="https://other.example", key=rsa_key(1))
        relying = make_relying({idp.name: idp.entry, other.name: other.entry})
        assert "signature is wrong" in relying.refuses(other.sign(response(assertion(), issuer=other.name)))

    def test_a_client_without_a_certificate_is_no_issuer(self, relying: Relying, idp: Idp) -> None:
        assert "'partner' is not trusted" in relying.refuses(idp.signed(issuer="partner"))


class TestResponse:
    @pytest.mark.parametrize("status", ["Requester", "Responder", "success", "Success "])
    def test_that_is_no_success(self, relying: Relying, idp: Idp, status: str) -> None:
        assert "does not say Success" in relying.refuses(idp.sign(response(assertion(), status=status)))
        assert "does not say Success" in relying.refuses(response(idp.signed(), status=status))

    def test_without_a_status(self, relying: Relying, idp: Idp) -> None:
        bare = without(response(idp.signed()), "<samlp:Status>", "</samlp:Status>")
        assert "does not say Success" in relying.refuses(bare)

    @pytest.mark.parametrize("number", [0, 2])
    def test_with_none_or_two_assertions(self, relying: Relying, idp: Idp, number: int) -> None:
        held = "".join(idp.signed() for _ in range(number))
        assert "exactly one Assertion" in relying.refuses(idp.sign(response(held)))

    def test_with_an_assertion_deeper_down(self, relying: Relying, idp: Idp) -> None:
        held = f"<samlp:Extensions>{idp.signed()}</samlp:Extensions>"
        assert "exactly one Assertion" in relying.refuses(idp.sign(response(held)))

    @pytest.mark.parametrize("number", [1, 2])
    def test_with_an_encrypted_assertion_beside(self, relying: Relying, idp: Idp, number: int) -> None:
        held = idp.signed() + number * f'<saml:EncryptedAssertion xmlns:saml="{NS["saml"]}"/>'
        assert "exactly one Assertion" in relying.refuses(idp.sign(response(held)))

    @pytest.mark.parametrize("tag", ["samlp:ArtifactResponse", "samlp:LogoutResponse", "samlp:AuthnRequest", "x"])
    def test_that_is_something_else(self, relying: Relying, idp: Idp, tag: str) -> None:
        xml = idp.sign(response(assertion()).replace("samlp:Response", tag))
        assert f"neither an Assertion nor a Response, but {tag.removeprefix('samlp:')!r}" in relying.refuses(xml)

    def test_a_signed_one_whose_assertion_lacks_an_id(self, relying: Relying, idp: Idp) -> None:
        """It is told apart by its ID: without one it could be brought again and again."""
        xml = assertion(identity="gone").replace(' ID="gone"', "")
        assert "has no ID" in relying.refuses(idp.sign(response(xml)))
