"""A client authenticates by its TLS certificate: which is its own, and which only looks like it."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway import ConfigurationError
from flask_oauth_gateway.clients.members import ClientMetadataError
from tests.support.app import MakeApp, basic, build_app, close_app, gateway_of, refusal, register
from tests.support.certificates import SERVER, Ca, Held, distinguished, self_signed
from tests.support.clock import Clock
from tests.support.key_server import key_server
from tests.support.signing import public_jwk, rsa_key

CA = Ca()
O_WEATHER = x509.DirectoryName(distinguished(O="Weather"))
METHODS = ["tls_client_auth", "self_signed_tls_client_auth", "client_secret_post", "client_secret_basic", "none"]
MTLS: dict[str, Any] = {
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "nginx",
    "OAUTH_MTLS_CA": [CA.pem],
    "OAUTH_CLIENT_AUTH_METHODS": METHODS,
    "OAUTH_RATE_LIMITS": None,
}
NAME = distinguished(C="DE", O="Wetter, Wind & Söhne", OU="IT", CN="station")
DN = "CN=station,OU=IT,O=Wetter\\, Wind & Söhne,C=DE"


def by_ca(app: Flask, **metadata: Any) -> str:
    """A client of `tls_client_auth`; its client_id."""
    if not any(name.startswith("tls_client_auth") for name in metadata):
        metadata["tls_client_auth_subject_dn"] = DN
    return register(app, token_endpoint_auth_method="tls_client_auth", **metadata).client_id


def by_key(app: Flask, **metadata: Any) -> str:
    """A client of `self_signed_tls_client_auth`; its client_id."""
    return register(app, token_endpoint_auth_method="self_signed_tls_client_auth", **metadata).client_id


def asked(
    app: Flask, client_id: str, held: Held | None = None, address: str = "127.0.0.1", headers: Any = (), **more: Any
) -> TestResponse:
    """The token endpoint's answer to a client that shows a certificate, through a proxy at this address."""
    shown = {} if held is None else {"X-SSL-Client-Cert": held.escaped}
    return app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": client_id, **more},
        headers={**shown, **dict(headers)},
        environ_base={"REMOTE_ADDR": address},
    )


def is_let_in(*arguments: Any, **more: Any) -> bool:
    response = asked(*arguments, **more)
    if response.status_code == 200:
        return True
    assert refusal(response, 401, "invalid_client") == (
        "Client authentication failed: the client is unknown, disabled, or did not prove who it is."
    )
    return False


@pytest.fixture(scope="module")
def app() -> Any:
    app = build_app(**MTLS, OAUTH_DATABASE_URI="sqlite://")
    yield app
    close_app(app)


WRITTEN = {
    "as RFC 4514 says": DN,
    "escaped in another way": "CN=st\\61tion,OU=IT,O=Wetter\\2c Wind & S\\c3\\b6hne,C=DE",
    "with spaces": "CN=station, OU=IT,  O=Wetter\\, Wind & Söhne , C=DE",
    "as OpenSSL prints it": "C = DE, O = Wetter\\, Wind & Söhne, OU = IT, CN = station",
    "with types in small letters": "cn=station,ou=IT,o=Wetter\\, Wind & Söhne,c=DE",
    "with types by number": "2.5.4.3=station,OID.2.5.4.11=IT,2.5.4.10=Wetter\\, Wind & Söhne,2.5.4.6=DE",
    "with a value in DER": "2.5.4.3=#0c0773746174696f6e,OU=IT,O=Wetter\\, Wind & Söhne,C=#13024445",
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_a_subject_is_compared_as_what_it_says_however_it_is_written(app: Flask, written: str) -> None:
    client = by_ca(app, tls_client_auth_subject_dn=written)
    assert is_let_in(app, client, CA.client(NAME))
    for other in (
        distinguished(C="DE", O="Wetter, Wind & Söhne", OU="IT", CN="Station"),
        distinguished(C="DE", O="Wetter, Wind & Söhne", CN="station"),
        distinguished(C="DE", O="Wetter, Wind & Söhne", OU="IT", CN="station", EMAIL="a@b.example"),
        distinguished(C="DE", O="Wetter", OU="IT", CN="station"),
        distinguished(O="Wetter, Wind & Söhne", C="DE", OU="IT", CN="station"),
        distinguished(CN=DN),
    ):
        assert not is_let_in(app, client, CA.client(other))


def test_several_attributes_of_one_part_have_no_order(app: Flask) -> None:
    several = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "station"),
            x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, "7"),
        ]
    )
    name = x509.Name([x509.RelativeDistinguishedName([*distinguished(C="DE")]), several])
    for written in ("CN=station+serialNumber=7,C=DE", "2.5.4.5=7+CN=station,C=DE"):
        assert is_let_in(app, by_ca(app, tls_client_auth_subject_dn=written), CA.client(name))
    for written in ("CN=station,C=DE", "CN=station,serialNumber=7,C=DE"):
        assert not is_let_in(app, by_ca(app, tls_client_auth_subject_dn=written), CA.client(name))


def test_a_subject_of_psd2_is_understood(app: Flask) -> None:
    name = distinguished(C="DE", O="Bank", ID="PSDDE-BAFIN-123456", CN="tpp.example")
    for written in (
        "CN=tpp.example,organizationIdentifier=PSDDE-BAFIN-123456,O=Bank,C=DE",
        "CN=tpp.example,2.5.4.97=#0c1250534444452d424146494e2d313233343536,O=Bank,C=DE",
    ):
        assert is_let_in(app, by_ca(app, tls_client_auth_subject_dn=written), CA.client(name))


SANS: dict[str, tuple[str, x509.GeneralName, list[x509.GeneralName]]] = {
    "dns": ("Station.Example", x509.DNSName("station.example"), [
        x509.DNSName("x.station.example"), x509.DNSName("*.example"), x509.UniformResourceIdentifier("station.example"),
        x509.RFC822Name("station.example"),
    ]),
    "uri": ("spiffe://example/station", x509.UniformResourceIdentifier("spiffe://example/station"), [
        x509.UniformResourceIdentifier("spiffe://example/Station"), x509.UniformResourceIdentifier("spiffe://example/station/"),
        x509.DNSName("spiffe://example/station"),
    ]),
    "ip": ("2001:DB8:0::1", x509.IPAddress(ip_address("2001:db8::1")), [
        x509.IPAddress(ip_address("2001:db8::2")), x509.IPAddress(ip_address("10.0.0.1")), x509.DNSName("2001:DB8:0::1"),
    ]),
    "email": ("Station@Example.com", x509.RFC822Name("Station@example.COM"), [
        x509.RFC822Name("station@example.com"), x509.DNSName("Station@example.com"), x509.RFC822Name("example.com"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SANS)
def test_an_alternative_name_counts_by_its_type_alone_and_never_the_common_name(app: Flask, kind: str) -> None:
    registered, right, wrong = SANS[kind]
    client = by_ca(app, **{f"tls_client_auth_san_{kind}": registered})
    assert is_let_in(app, client, CA.client("station", san=[right]))
    assert is_let_in(app, client, CA.client("other", san=[*wrong, right]))
    for name in wrong:
        assert not is_let_in(app, client, CA.client(registered, san=[name]))
    assert not is_let_in(app, client, CA.client(registered))


def test_a_subject_doesn_t_stand_for_an_alternative_name_nor_the_other_way_round(app: Flask) -> None:
    client = by_ca(app, tls_client_auth_subject_dn="CN=station.example")
    assert not is_let_in(app, client, CA.client("x", san=[x509.DNSName("station.example")]))
    assert is_let_in(app, client, CA.client("station.example"))


BELOW = Ca("Below", above=CA)
ALTERNATIVE_NAMES = x509.ObjectIdentifier("2.5.29.17")
#: Certificates with the client's own subject that are not its certificate.
FORGED: dict[str, Callable[[], Held]] = {
    "of another CA with the same name": lambda: Ca().client(NAME),
    "self-signed": lambda: self_signed(NAME),
    "expired": lambda: CA.client(NAME, since=-10, until=-1),
    "not valid yet": lambda: CA.client(NAME, since=1),
    "a web server's": lambda: CA.client(NAME, usages=[SERVER]),
    "a CA's": lambda: CA.client(NAME, extensions=[(x509.BasicConstraints(ca=True, path_length=None), True)]),
    "signed by a client": lambda: Ca.client(CA.client("station"), NAME),  # type: ignore[arg-type]
    "of a CA below that isn't sent": lambda: BELOW.client(NAME),
    "with an unknown critical extension": lambda: CA.client(
        NAME, extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]
    ),
    "with alternative names of a kind that nobody reads": lambda: CA.client(
        NAME, extensions=[(x509.UnrecognizedExtension(ALTERNATIVE_NAMES, bytes.fromhex("3002a300")), False)]
    ),
    "with broken alternative names": lambda: CA.client(
        NAME, extensions=[(x509.UnrecognizedExtension(ALTERNATIVE_NAMES, bytes.fromhex("3004870201ff")), False)]
    ),
    "with a key of 1024 bits": lambda: CA.client(NAME, key=rsa_key(1024)),
}


@pytest.mark.parametrize("held", FORGED.values(), ids=FORGED)
def test_only_a_valid_certificate_for_clients_by_a_trusted_authority_counts(
    app: Flask, held: Callable[[], Held]
) -> None:
    client = by_ca(app)
    assert not is_let_in(app, client, held())
    assert not is_let_in(app, client, held(), headers={"X-SSL-Client-Verify": "SUCCESS"})


def test_certificates_without_usages_or_with_a_server_s_beside_a_client_s_are_for_clients_too(app: Flask) -> None:
    client = by_ca(app)
    for usages in ([], [SERVER, x509.ExtendedKeyUsageOID.CLIENT_AUTH]):
        assert is_let_in(app, client, CA.client(NAME, usages=usages))


def test_a_client_comes_with_the_right_certificate_through_the_proxy_or_not_at_all(app: Flask) -> None:
    client, held = by_ca(app), CA.client(NAME)
    assert is_let_in(app, client, held)
    assert not is_let_in(app, client)
    assert not is_let_in(app, client, held, "203.0.113.9")
    assert not is_let_in(app, client, held, "203.0.113.9", headers={"X-Forwarded-For": "127.0.0.1"})
    assert not is_let_in(app, client, headers={"X-SSL-Client-Cert": held.escaped + "," + held.escaped})
    assert not is_let_in(app, client, headers={"X-SSL-Client-Cert": "(null)"})
    assert not is_let_in(app, "nobody", held)
    assert not is_let_in(app, client, held, client_secret="guessed")
    assert not is_let_in(app, client, headers=basic(client, "guessed"))
    assert refusal(asked(app, "", held), 401, "invalid_client")  # the client_id must be there (section 2)


def test_an_empty_password_beside_the_certificate_is_no_second_method(app: Flask) -> None:
    client, held = by_ca(app), CA.client(NAME)
    assert is_let_in(app, client, held, headers=basic(client, ""))
    refusal(asked(app, client, held, headers=basic("another", "")), 400, "invalid_request")


def test_a_certificate_beside_a_secret_is_no_second_method(app: Flask) -> None:
    registered = register(app, token_endpoint_auth_method="client_secret_post")
    assert registered.client_secret is not None
    assert is_let_in(app, registered.client_id, CA.client(NAME), client_secret=registered.client_secret)
    assert not is_let_in(app, registered.client_id, CA.client(NAME), client_secret="wrong")
    assert not is_let_in(app, registered.client_id, CA.client(NAME))


def test_a_public_client_with_a_certificate_stays_public(app: Flask) -> None:
    registered = register(
        app, token_endpoint_auth_method="none", grant_types=["authorization_code"], redirect_uris=["https://a.example/"]
    )
    response = asked(app, registered.client_id, CA.client(NAME), grant_type="authorization_code", code="x")
    refusal(response, 400, "invalid_grant")
    refusal(
        asked(app, registered.client_id, CA.client(NAME)), 401, "invalid_client"
    )  # client_credentials are not for it


def test_a_chain_is_built_from_what_the_proxy_hands_on(make_app: MakeApp) -> None:
    app = make_app(**MTLS | {"OAUTH_MTLS_CERTIFICATE": "rfc9440"})
    client, held = by_ca(app), BELOW.client(NAME)
    one, chain = {"Client-Cert": f":{held.base64}:"}, {"Client-Cert-Chain": f":{BELOW.base64}:"}
    assert is_let_in(app, client, headers=one | chain)
    assert not is_let_in(app, client, headers=one)
    assert not is_let_in(app, client, headers=one | {"Client-Cert-Chain": f":{Ca('Below').base64}:"})
    # The chain leads somewhere, it trusts nobody.
    assert not is_let_in(app, client, headers={"Client-Cert": f":{Ca().client(NAME).base64}:"} | chain)


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("limits", [([O_WEATHER], None), (None, [O_WEATHER])], ids=["for others", "against it"])
def test_an_authority_that_may_sign_certain_subjects_alone_signs_none_here(
    make_app: MakeApp, limits: Any, critical: bool
) -> None:
    limited = Ca("Limited", above=CA, extensions=[(x509.NameConstraints(*limits), critical)])
    app = make_app(**MTLS | {"OAUTH_MTLS_CERTIFICATE": "rfc9440"})
    chain = {"Client-Cert-Chain": f":{limited.base64}:"}
    for name in (distinguished(O="Weather", CN="station"), NAME):
        client = by_ca(app, tls_client_auth_subject_dn=name.rfc4514_string())
        assert not is_let_in(app, client, headers=chain | {"Client-Cert": f":{limited.client(name).base64}:"})


def test_authorities_may_be_a_file_and_lack_a_key_usage(make_app: MakeApp, tmp_path: Any) -> None:
    ca, other = Ca("Plain", usage=False), Ca("Other")
    tmp_path.joinpath("ca.pem").write_text(other.pem + ca.pem)
    app = make_app(**MTLS | {"OAUTH_MTLS_CA": str(tmp_path / "ca.pem")})
    client = by_ca(app)
    for each in (ca, other):
        assert is_let_in(app, client, each.client(NAME))
    assert not is_let_in(app, client, CA.client(NAME))


def test_without_an_authority_the_proxy_s_word_counts_and_only_where_it_is_its_word(make_app: MakeApp) -> None:
    app = make_app(**MTLS | {"OAUTH_MTLS_CA": None})
    client, held = by_ca(app), Ca("of the proxy").client(NAME)
    assert is_let_in(app, client, held, headers={"X-SSL-Client-Verify": "SUCCESS"})
    for said in ("", "NONE", "GENEROUS", "FAILED:unable to verify the first certificate", "SUCCESS,SUCCESS", "success"):
        assert not is_let_in(app, client, held, headers={"X-SSL-Client-Verify": said})
    assert not is_let_in(app, client, held)
    for wrong in ("expired", "a web server's", "a CA's"):
        assert not is_let_in(app, client, FORGED[wrong](), headers={"X-SSL-Client-Verify": "SUCCESS"})
    assert not is_let_in(app, client, held, "203.0.113.9", headers={"X-SSL-Client-Verify": "SUCCESS"})


def test_time_passes_over_a_certificate_that_was_good(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(**MTLS)
    client, held = by_ca(app), CA.client(NAME, until=2)
    of_key, own = self_signed("x", until=2), self_signed("x", until=30)
    renewed = self_signed("y", key=of_key.key)
    self_signing = by_key(app, certificate=of_key.pem)
    assert is_let_in(app, client, held)
    assert is_let_in(app, self_signing, of_key)
    Clock(monkeypatch).advance(3 * 86400)
    assert not is_let_in(app, client, held)
    assert not is_let_in(app, self_signing, of_key)
    assert is_let_in(app, self_signing, renewed)  # though the one that was registered has expired
    assert not is_let_in(app, self_signing, own)


def test_a_self_signed_certificate_counts_by_its_key(app: Flask) -> None:
    held, other = self_signed("station"), self_signed("station")
    jwk = public_jwk(held.key)
    with_x5c = {**jwk, "x5c": ["".join(held.pem.splitlines()[1:-1])]}
    for metadata in (
        {"jwks": {"keys": [jwk]}},
        {"jwks": {"keys": [public_jwk(self_signed().key), with_x5c]}},
        {"certificate": held.pem},
    ):
        client = by_key(app, **metadata)
        assert is_let_in(app, client, held)
        assert is_let_in(app, client, self_signed("renewed", key=held.key))
        assert is_let_in(app, client, CA.client("by a CA", key=held.key))
        assert not is_let_in(app, client, other)
        assert not is_let_in(app, client, Ca.client(held, "signed by it"))  # type: ignore[arg-type]
        assert not is_let_in(app, client, self_signed("expired", key=held.key, since=-9, until=-1))
        assert not is_let_in(app, client)


def test_the_keys_of_a_jwks_uri_are_fetched_again_for_a_key_that_is_new(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(**MTLS)
    held, next_one = self_signed(), self_signed()
    with key_server() as server:
        server.says = {"keys": [public_jwk(held.key)]}
        client = by_key(app, jwks_uri=server.url)
        assert is_let_in(app, client, held)
        assert not is_let_in(app, client, next_one)
        server.says = {"keys": [public_jwk(next_one.key)]}
        Clock(monkeypatch).advance(61)
        assert is_let_in(app, client, next_one)


def test_a_certificate_that_another_process_has_just_registered_counts_at_once(app: Flask) -> None:
    old, new = self_signed(), self_signed()
    client = by_key(app, certificate=old.pem)
    assert is_let_in(app, client, old)
    cached = dict(app.extensions["oauth_gateway_server"].clients._cache)
    gateway_of(app).clients.update(client, certificate=new.pem)
    app.extensions["oauth_gateway_server"].clients._cache.update(cached)  # as this process would have read it
    assert is_let_in(app, client, new)


def test_a_client_that_another_process_has_just_moved_from_a_secret_to_certificates_is_let_in(app: Flask) -> None:
    clients, held = app.extensions["oauth_gateway_server"].clients, CA.client(NAME)
    client = register(app, token_endpoint_auth_method="client_secret_post").client_id
    assert not is_let_in(app, client, client_secret="wrong")
    cached = dict(clients._cache)
    gateway_of(app).clients.update(client, token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=DN)
    clients._cache.update(cached)  # as this process would have read it
    assert is_let_in(app, client, held)


def test_keys_of_odd_kinds_are_refused_and_break_nothing(app: Flask) -> None:
    client, other = by_key(app, certificate=self_signed().pem), by_ca(app)
    for key in (ec.generate_private_key(ec.SECP256K1()), ec.generate_private_key(ec.SECP521R1())):
        assert not is_let_in(app, client, self_signed(key=key))
        assert not is_let_in(app, other, self_signed(NAME, key=key))


WRONG_METADATA = {
    "no subject": ({}, "exactly one of"),
    "two subjects": ({"tls_client_auth_subject_dn": DN, "tls_client_auth_san_dns": "a.example"}, "exactly one of"),
    "a subject that is none": ({"tls_client_auth_subject_dn": "station"}, "distinguished name"),
    "a subject of an unknown type": ({"tls_client_auth_subject_dn": "WHAT=station"}, "distinguished name"),
    "an empty subject": ({"tls_client_auth_subject_dn": ""}, "distinguished name"),
    "a subject with a stray backslash": ({"tls_client_auth_subject_dn": "CN=a\\"}, "distinguished name"),
    "a DNS name that is none": ({"tls_client_auth_san_dns": "a b"}, "a host's name"),
    "a URI that is none": ({"tls_client_auth_san_uri": "a.example"}, "a URI"),
    "an IP address that is none": ({"tls_client_auth_san_ip": "10.0.0"}, "an IP address"),
    "an email address that is none": ({"tls_client_auth_san_email": "a.example"}, "an email address"),
    "a number": ({"tls_client_auth_san_dns": 5}, "is a text"),
}


@pytest.mark.parametrize(("metadata", "words"), WRONG_METADATA.values(), ids=WRONG_METADATA)
def test_a_registration_says_exactly_whose_certificate_it_is(app: Flask, metadata: Any, words: str) -> None:
    with pytest.raises(ClientMetadataError, match=words):
        register(app, token_endpoint_auth_method="tls_client_auth", **metadata)


def test_a_registration_for_a_self_signed_certificate_brings_a_key(app: Flask) -> None:
    with pytest.raises(ClientMetadataError, match="needs a certificate, jwks or jwks_uri"):
        by_key(app)


def test_an_app_that_would_believe_a_certificate_that_nobody_checks_doesn_t_start(tmp_path: Any) -> None:
    def starts(**config: Any) -> bool:
        try:
            close_app(build_app(**MTLS | {"OAUTH_DATABASE_URI": "sqlite://"} | config))
        except ConfigurationError as error:
            return not str(error).startswith(("OAUTH_MTLS_CA is ", "OAUTH_CLIENT_AUTH_METHODS is "))
        return True

    unverified = {"header": "Client-Cert", "format": "structured"}
    for source in ("apache", "traefik", "envoy", "rfc9440", "environ", None, unverified):
        assert not starts(OAUTH_MTLS_CERTIFICATE=source, OAUTH_MTLS_CA=None)
        assert starts(OAUTH_MTLS_CERTIFICATE=source)
        assert starts(
            OAUTH_MTLS_CERTIFICATE=source,
            OAUTH_MTLS_CA=None,
            OAUTH_CLIENT_AUTH_METHODS=["self_signed_tls_client_auth"],
        )
    for source in ("nginx", "haproxy", {**unverified, "verified": ("X-Verified", "yes")}):
        assert starts(OAUTH_MTLS_CERTIFICATE=source, OAUTH_MTLS_CA=None)
    assert not starts(OAUTH_MTLS=False)
    tmp_path.joinpath("empty.pem").write_text("nothing")
    for wrong in (
        ["no such file.pem"],
        [str(tmp_path / "empty.pem")],
        [str(tmp_path)],
        [CA.client("no authority").pem],
        ["-----BEGIN CERTIFICATE-----"],
        [CA.private_pem],
    ):
        assert not starts(OAUTH_MTLS_CA=wrong)


def test_the_metadata_name_the_methods_and_the_other_origin(make_app: MakeApp) -> None:
    def metadata(**config: Any) -> dict[str, Any]:
        app = make_app(**MTLS | {"OAUTH_ISSUER": "https://a.example"} | config)
        found: dict[str, Any] = app.test_client().get("/.well-known/oauth-authorization-server").get_json()
        return found

    found = metadata(OAUTH_MTLS_URL="https://mtls.a.example:8443")
    assert found["tls_client_certificate_bound_access_tokens"] is True
    assert {"tls_client_auth", "self_signed_tls_client_auth"} <= set(found["token_endpoint_auth_methods_supported"])
    assert {"tls_client_auth"} <= set(found["introspection_endpoint_auth_methods_supported"])
    aliases = found["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://mtls.a.example:8443/oauth/token"
    assert aliases["introspection_endpoint"] == "https://mtls.a.example:8443/oauth/introspect"
    assert "authorization_endpoint" not in aliases
    assert found["token_endpoint"] == "https://a.example/oauth/token"
    assert "mtls_endpoint_aliases" not in metadata()
    off = metadata(OAUTH_MTLS=False, OAUTH_CLIENT_AUTH_METHODS=["none"], OAUTH_MTLS_URL="https://mtls.a.example")
    assert not [name for name in off if "tls" in name]
