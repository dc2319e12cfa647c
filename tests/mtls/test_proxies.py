"""Real proxies as TLS ends, with the configurations of the pages: what a client shows counts, and nothing that it says.

Behind them stands a server that takes a header's name with underscores for the one with hyphens, as uWSGI does.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from ssl import TLSVersion

import pytest
from flask import Flask, request

from tests.support.app import build_app, close_app, gateway_of, register
from tests.support.certificates import Ca, Held, distinguished, self_signed
from tests.support.ports import free_port
from tests.support.tls_fronts import CA, PROXIES, Front, block, front_of

NAME = distinguished(C="DE", O="Weather, Ltd", CN="station")
DN = "CN=station,O=Weather\\, Ltd,C=DE"
#: Every spelling that has the same key in WSGI.
SPELLINGS = {
    f"X-SSL-Client-{last}": [f"X{a}SSL{b}Client{c}{last}" for a, b, c in itertools.product("-_", repeat=3)]
    for last in ("Cert", "Verify")
}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in PROXIES])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    app = build_app(
        OAUTH_MTLS=True,
        OAUTH_CLIENT_AUTH_METHODS=["tls_client_auth", "self_signed_tls_client_auth", "client_secret_post"],
        OAUTH_RATE_LIMITS=None,
        OAUTH_DATABASE_URI=f"sqlite:///{folder}/oauth.db",
        **PROXIES[request.param][1],
    )
    add_seen(app)
    with front_of(request.param, folder, port, app) as front:
        yield front
    close_app(app)


def add_seen(app: Flask) -> None:
    @app.get("/seen")
    def seen() -> str:
        return json.dumps(request.environ["test.headers"])


def by_ca(front: Front) -> str:
    return register(front.app, token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=DN).client_id


def by_key(front: Front, held: Held) -> str:
    return register(front.app, token_endpoint_auth_method="self_signed_tls_client_auth", certificate=held.pem).client_id


def forged(held: Held) -> list[tuple[str, str]]:
    """Every header, in every spelling, that would make somebody the holder of this certificate."""
    yes = {"X-SSL-Client-Cert": (held.escaped, held.base64), "X-SSL-Client-Verify": ("SUCCESS", "0")}
    return [(spelling, value) for name, values in yes.items() for spelling in SPELLINGS[name] for value in values]


def test_a_client_whose_certificate_an_authority_has_signed_is_let_in(front: Front) -> None:
    client = by_ca(front)
    assert front.is_let_in(CA.client(NAME), client)
    assert front.is_let_in(CA.client(NAME), client)  # renewed, with another key, while the server runs
    assert not front.is_let_in(CA.client("other"), client)
    assert not front.is_let_in(None, client)


def test_certificates_of_others_with_the_same_subject_are_not_let_in(front: Front) -> None:
    client = by_ca(front)
    for held in (self_signed(NAME), Ca().client(NAME), CA.client(NAME, since=-9, until=-1)):
        assert not front.is_let_in(held, client)
        for pair in forged(CA.client(NAME)):
            assert not front.is_let_in(held, client, [pair]), pair


def test_a_session_that_is_taken_up_again_is_no_authority_s_signature(front: Front) -> None:
    client = by_ca(front)
    for held, is_let_in in ((self_signed(NAME), False), (CA.client(NAME), True)):
        for version in (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3):
            statuses, taken_up = front.asked_in_one_session(held, client, version)
            assert statuses == [200 if is_let_in else 401] * 3
            assert taken_up or front.name == "caddy" or version is TLSVersion.TLSv1_3, "or this proves nothing"


def test_a_client_that_has_signed_its_own_certificate_is_let_in_also_with_a_renewed_one(front: Front) -> None:
    held = self_signed("station")
    client = by_key(front, held)
    assert front.is_let_in(held, client)
    assert front.is_let_in(self_signed("renewed", key=held.key), client)
    assert not front.is_let_in(self_signed("station"), client)
    assert not front.is_let_in(None, client)


def test_no_header_of_a_caller_s_own_gets_through_in_any_spelling(front: Front) -> None:
    held, other = self_signed("station"), self_signed("other")
    client = by_key(front, held)
    for pair in forged(held):
        assert not front.is_let_in(None, client, [pair]), pair
        assert not front.is_let_in(other, client, [pair]), pair
        assert front.is_let_in(held, client, [(pair[0], "x")]), pair
    assert not front.is_let_in(other, client, forged(held))
    for shown in (None, other):
        seen = json.loads(front.ask(shown, "/seen", forged(held)).body)
        ours = [value for name, value in seen if name.lower().replace("_", "-") == "x-ssl-client-cert"]
        assert len(ours) <= 1
        assert not {held.escaped, held.base64}.intersection(ours)


def test_a_client_without_a_certificate_still_has_its_secret(front: Front) -> None:
    registered = gateway_of(front.app).clients.create(
        grant_types=["client_credentials"], scope="weather:read", token_endpoint_auth_method="client_secret_post"
    )
    assert registered.client_secret is not None
    for held in (None, self_signed()):
        assert front.is_let_in(held, registered.client_id, client_secret=registered.client_secret)
        assert not front.is_let_in(held, registered.client_id, client_secret="wrong")


def test_traefik_s_page_removes_every_spelling_before_the_certificate_is_set() -> None:
    page = block("traefik", "yaml")
    removed = set(re.findall(r'^ +(X[-_]\S+): ""', page, re.MULTILINE))
    assert removed == {f"X{a}Forwarded{b}Tls{c}Client{d}Cert" for a, b, c, d in itertools.product("-_", repeat=4)}
    assert "middlewares: [nothing-of-the-caller-s, client-certificate]" in page


@pytest.mark.nginx
def test_nothing_of_a_caller_s_gets_through_the_site_for_browsers(tmp_path: Path) -> None:
    app = build_app(OAUTH_MTLS=True, OAUTH_DATABASE_URI="sqlite://", **PROXIES["nginx"][1])
    add_seen(app)
    held = self_signed()
    with front_of("nginx", tmp_path, free_port(), app) as front:
        for shown in (None, held):
            seen = json.loads(front.seen_by_browsers(shown, [*forged(held), ("X-Seen", "yes")]))
            assert ["X-Seen", "yes"] in seen
            assert not [name for name, _ in seen if "client" in name.lower()]
    close_app(app)
