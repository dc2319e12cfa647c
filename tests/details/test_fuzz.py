"""Thousands of mutated details: what is taken is what this test's own reading of the rules takes, quickly, and nothing else."""

import json
import math
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flask_oauth_gateway.errors import InvalidAuthorizationDetails
from flask_oauth_gateway.permissions.details import AuthorizationDetails, among
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import build_app, close_app, gateway_of
from tests.support.details import FILES, OF_CLIENT, PAYMENT, TYPES, asked
from tests.support.processor_time import takes_longer

NAMES = ["type", "amount", "creditor", "account", "actions", "locations", "identifier", "surprise", "\0", "ä"]
VALUES = [*OF_CLIENT, "secret", "", "read", None, True, 0, 1.5, [], {}, ["read"], [1], "\ud800", "x\x07"]
values = st.recursive(
    st.sampled_from(VALUES) | st.text(max_size=5) | st.integers(-(10**20), 10**20) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
    max_leaves=12,
)
objects = st.builds(
    lambda base, change, without: {k: v for k, v in {**base, **change}.items() if k not in without},
    st.sampled_from([PAYMENT, FILES, {"type": "secret"}]),
    st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
    st.sets(st.sampled_from(NAMES), max_size=1),
)
texts = st.one_of(
    st.lists(objects, max_size=3).map(json.dumps),
    values.map(json.dumps),
    st.tuples(st.sampled_from([asked(PAYMENT), asked(FILES), asked(FILES, PAYMENT)]), st.integers(0, 200), st.text(max_size=3))
    .map(lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + 1 :]),
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    config = {"OAUTH_DATABASE_URI": f"sqlite:///{folder / 'oauth.db'}", "OAUTH_AUTHORIZATION_DETAILS": TYPES}
    app = build_app(instance_path=str(folder), **config)
    yield gateway_of(app).clients.create(
        grant_types=["client_credentials"], scope="weather:read", authorization_details_types=OF_CLIENT
    )
    close_app(app)


def is_good(text: str) -> bool:
    """What may be taken, said in another way than the product says it."""
    twice: list[int] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend([1] * (len(found) - len({name for name, _ in found})))
        return dict(found)

    try:
        details = json.loads(text, object_pairs_hook=pairs)
    except ValueError:
        return False
    leaves, deepest = flat(details)
    if twice or not isinstance(details, list) or deepest > 16 or any(map(is_odd, leaves)):
        return False
    for each in details:
        if not isinstance(each, dict) or each.get("type") not in OF_CLIENT:
            return False
        if each["type"] == "payment" and not {"amount"} <= each.keys():
            return False
        known = {
            "type",
            "amount",
            "creditor",
            "account",
            "actions",
            "locations",
            "datatypes",
            "privileges",
            "identifier",
        }
        if each["type"] == "payment" and each.keys() - known:
            return False
        for name in ("actions", "locations", "datatypes", "privileges"):
            if not (isinstance(each.get(name, []), list) and all(isinstance(one, str) for one in each.get(name, []))):
                return False
        if not isinstance(each.get("identifier", ""), str):
            return False
    return [each["type"] for each in details].count("payment") < 2


def is_odd(leaf: Any) -> bool:
    if isinstance(leaf, float):
        return not math.isfinite(leaf)
    if isinstance(leaf, str):
        return bool(re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", leaf))
    return False


def flat(value: Any, depth: int = 1) -> tuple[list[Any], int]:
    if isinstance(value, dict):
        inner = [flat(each, depth + 1) for each in value.values()]
        return [*value, *(leaf for leaves, _ in inner for leaf in leaves)], max([depth, *(d for _, d in inner)])
    if isinstance(value, list):
        inner = [flat(each, depth + 1) for each in value]
        return [leaf for leaves, _ in inner for leaf in leaves], max([depth, *(d for _, d in inner)])
    return [value], depth - 1


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(texts)
@example(asked(PAYMENT))
@example("[]")
def test_nothing_is_taken_that_may_not_be_and_nothing_takes_long(client: Client, text: str) -> None:
    check(text, client)


def test_nor_is_anything_of_thousands_in_which_characters_were_changed(client: Client) -> None:
    chance = random.Random(9396)  # noqa: S311 (the same mutations each time)
    letters = '[]{}",:\\ \t019.eE-+aptN\0\ud800ä'
    for _ in range(5000):
        text = list(asked(*chance.choice([(PAYMENT,), (FILES,), (FILES, PAYMENT), (PAYMENT, PAYMENT)])))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            text[at : at + chance.randint(0, 3)] = chance.choices(letters, k=chance.randint(0, 2))
        check("".join(text), client)


def check(text: str, client: Client) -> None:
    """What is taken is what may be, as it stands, and soon."""
    types = AuthorizationDetails({**TYPES, "files": FULL, "secret": FULL})

    def look() -> tuple[Any, str]:
        try:
            return types.asked(text, client), ""
        except InvalidAuthorizationDetails as error:
            return None, error.description

    assert not takes_longer(look, 0.05)
    found, why = look()
    assert (found is not None) == is_good(text)
    if found is None:
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", why)
    else:
        assert list(found) == json.loads(text)


FULL: dict[str, Any] = {"description": "", "required": (), "allowed": None, "multiple": True}


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_no_token_request_gets_more_than_was_approved(text: str) -> None:
    approved = [PAYMENT, FILES]
    try:
        found = among(text, approved)
    except InvalidAuthorizationDetails:
        return
    assert len(found) <= len(approved)
    left = [*approved]
    for each in found:
        (whole,) = [one for one in left if one["type"] == each["type"]]
        left.remove(whole)
        assert each.keys() == whole.keys()
        for name, value in each.items():
            if name in ("actions", "locations") and value != whole[name]:
                assert value
                assert set(value) < set(whole[name]) or sorted(set(value)) == sorted(whole[name])
            else:
                assert json.dumps(value, sort_keys=True) == json.dumps(whole[name], sort_keys=True)


def test_fifty_of_them_find_their_place_soon_whatever_their_order() -> None:
    alike = [FILES | {"x": "x" * 500} for _ in range(50)]
    nested = [{"type": "files", "actions": [f"a{number}" for number in range(at + 1)]} for at in range(50)]
    for approved, wanted in (
        (alike, alike),
        (nested, nested[::-1]),
        (nested, nested),
        (nested, [{"type": "files", "actions": ["a0"]}] * 50),
    ):
        assert len(among(json.dumps(wanted), approved)) == 50
        assert not takes_longer(partial(among, json.dumps(wanted), approved), 0.05)
    with pytest.raises(InvalidAuthorizationDetails):
        among(json.dumps([nested[49], nested[49]]), nested)
