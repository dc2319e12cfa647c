"""Every assertion is good once, and threads never mix up whose certificate it is."""

import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.idp import Idp, assertion, at, encode, new_id, response, rsa_key
from tests.support.relying import CLIENT_ASSERTION, Relying

USED = "it was used before"


class TestReplay:
    @every_database
    def test_twice(self, stored: Relying, idp: Idp) -> None:
        xml = idp.signed()
        stored.accepts(xml)
        assert stored.refuses(xml) == USED
        assert stored.refuses(response(xml)) == USED

    @every_database
    def test_20_at_once(self, stored: Relying, idp: Idp) -> None:
        xml, start = idp.signed(), Barrier(20)

        def trade(_: int) -> int:
            start.wait()
            return stored.post(xml).status_code

        with ThreadPoolExecutor(20) as pool:
            assert Counter(pool.map(trade, range(20))) == {200: 1, 400: 19}
        with stored.app.app_context():
            assert len(stored.gateway.tokens.find().tokens) == 1

    def test_the_same_id_again(self, relying: Relying, idp: Idp) -> None:
        identity = new_id()
        relying.accepts(idp.signed(identity=identity))
        assert relying.refuses(idp.signed(identity=identity, subject="bob")) == USED

    def test_the_same_id_of_another_issuer_is_another_assertion(
        self, make_relying: Callable[..., Relying], idp: Idp
    ) -> None:
        other = Idp(name="https://other.example", key=rsa_key(1))
        relying = make_relying({idp.name: idp.entry, other.name: other.entry})
        identity = new_id()
        relying.accepts(idp.signed(identity=identity))
        relying.accepts(other.signed(identity=identity))

    def test_one_that_was_refused_is_not_spent(self, relying: Relying, idp: Idp) -> None:
        xml = idp.signed()
        refusal(relying.post(xml, scope="nonsense"), 400, "invalid_scope")
        relying.accepts(xml)

    @every_database
    def test_to_the_last_second_of_its_longest_confirmation(self, stored: Relying, idp: Idp, clock: Clock) -> None:
        """The first of its confirmations ends early: what it says of its use must be kept until the last one ends."""
        xml = assertion(lifetime=200)
        begin, end = xml.index("<saml:SubjectConfirmation "), xml.index("</saml:Subject>")
        early = xml[begin:end].replace('NotOnOrAfter="', f'NotOnOrAfter="{at(10)}" Address="')
        signed = idp.sign(xml[:begin] + early + xml[begin:])
        stored.accepts(signed)
        clock.advance(150)
        with stored.app.app_context():
            stored.gateway.tokens.purge()
        assert stored.refuses(signed) == USED

    def test_as_a_grant_and_as_client_authentication(self, relying: Relying) -> None:
        own = Idp(name="twofold", key=rsa_key(1))
        grants = ["saml2_bearer", "client_credentials"]
        certificate = own.entry["certificates"][0]
        method = "saml2_bearer"
        relying.register(
            client_id="twofold", certificate=certificate, token_endpoint_auth_method=method, grant_types=grants
        )
        xml = own.signed(subject="twofold")
        relying.accepts(xml)
        form = {"grant_type": "client_credentials", "client_assertion_type": CLIENT_ASSERTION}
        again = relying.client.post("/oauth/token", data=form | {"client_assertion": encode(xml)})
        refusal(again, 401, "invalid_client")


def test_threads_never_mix_up_certificates(make_relying: Callable[..., Relying], tmp_path: Path) -> None:
    """A verifier that threads share takes one issuer's certificate for another's (signxml keeps it on itself)."""
    idps = [Idp(name=f"https://idp{number}.example", key=rsa_key(number)) for number in range(4)]
    uri = f"sqlite:///{tmp_path / 'oauth.db'}"
    relying = make_relying({idp.name: idp.entry for idp in idps}, OAUTH_DATABASE_URI=uri)
    rounds, threads = 5, 8
    start = Barrier(threads)
    forged = [
        [idps[(number + 1) % 4].signed(issuer=idps[number % 4].name) for _ in range(rounds)]
        for number in range(threads)
    ]
    valid = [[idps[number % 4].signed() for _ in range(rounds)] for number in range(threads)]

    def trade(number: int) -> list[tuple[int, int]]:
        start.wait()
        return [
            (relying.post(good).status_code, relying.post(bad).status_code)
            for good, bad in zip(valid[number], forged[number], strict=True)
        ]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(threads) as pool:
            answers = [answer for each in pool.map(trade, range(threads)) for answer in each]
    finally:
        sys.setswitchinterval(interval)
    assert set(answers) == {(200, 400)}
