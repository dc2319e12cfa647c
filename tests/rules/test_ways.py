"""A request meets few files: `docs/house.md` draws its way, as the code says it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

#: Request to the most files of ours that it may meet between the call of its view and the answer.
MOST = {
    "A new token: `client_credentials`": 15,
    "A protected view": 8,
    "Introspection": 15,
    "An authorization request": 20,
    "A code for tokens: `authorization_code`": 20,
    "A new token that is bound to a key (DPoP)": 28,
    "A protected view, with a bound token": 17,
}


@pytest.fixture(scope="module")
def house() -> ModuleType:
    path = Path(__file__).parents[2] / "docs" / "_reference" / "house.py"
    spec = importlib.util.spec_from_file_location("house", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["house"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_of_the_ways_is_short(house: ModuleType) -> None:
    found = {way.title: way.files for way in house.ways()}
    assert found.keys() == MOST.keys()
    for title, files in found.items():
        assert 2 < len(files) <= MOST[title], f"{title} meets {len(files)} files: {', '.join(files)}"
