"""What OpenID Connect costs, counted: calls of functions and statements, which are the same on a busy machine."""

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench import check, openid
from bench.apps import Call
from bench.openid import Provider
from tests.support.app import close_app
from tests.support.statements import statements_of

ROUNDS = 5
CODES = 3 * ROUNDS


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    made = Provider(str(tmp_path_factory.mktemp("provider")))
    yield made
    close_app(made.app)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known for some seconds is so to the end, on a busy machine too."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)


def cost(perform: Call, status: int = 200) -> float:
    """The fewest calls of functions, Python's and C's, that a warm request takes."""
    counts = []
    for _ in range(ROUNDS):
        assert perform() == status
    for _ in range(ROUNDS):
        calls = [0]

        def count(_: Any, event: str, __: Any, calls: list[int] = calls) -> None:
            calls[0] += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            perform()
        finally:
            sys.setprofile(before)
        counts.append(calls[0])
    return min(counts)


def statements(provider: Provider, perform: Call) -> int:
    with statements_of(provider.gateway.database.engine) as told:
        perform()
    return len(told)


def test_an_id_token_costs_an_exchange_a_quarter_at_most_and_no_statement(provider: Provider) -> None:
    plain = provider.exchange(CODES, scope="weather:read")
    es256, rs256 = (
        provider.exchange(CODES, scope="openid weather:read", algorithm=each) for each in ("ES256", "RS256")
    )
    without = cost(plain)
    with_es256, with_rs256 = cost(es256), cost(rs256)
    assert with_es256 <= check.BARS[openid.WITH_ES256] * without
    assert with_rs256 == pytest.approx(with_es256, rel=0.02), "beside its signature it is the same work"
    assert statements(provider, es256) == statements(provider, rs256) == statements(provider, plain)


def test_userinfo_costs_a_third_more_than_a_view_at_most_and_one_statement(provider: Provider) -> None:
    view, userinfo = provider.with_token("/weather"), provider.with_token("/oauth/userinfo")
    assert cost(userinfo) <= check.BARS[openid.USERINFO] * cost(view)
    assert statements(provider, userinfo) == 1


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/oauth/jwks"])
def test_a_document_that_the_caller_has_comes_from_memory(provider: Provider, path: str) -> None:
    published = provider.published(path)
    assert published() == 304
    assert statements(provider, published) == 0
