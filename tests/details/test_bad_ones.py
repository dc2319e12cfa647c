"""Details that are refused: at the authorize endpoint by redirect, elsewhere with status 400, and never slowly."""

import contextlib
import json
import time
from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.details import FILES, PAYMENT, asked, make_paying, paying_client
from tests.support.site import MakeSite, Page, Site, location, query, refused

MOST_SECONDS = 0.05


def nested(levels: int) -> str:
    """An array of one detail whose containers, the array among them, are nested so deep."""
    return '[{"type":"files","x":' + "[" * (levels - 2) + "]" * (levels - 2) + "}]"


BAD: dict[str, str] = {
    "no JSON": "payment",
    "empty text in JSON": '""',
    "half of it": '[{"type": "payment"',
    "no array": json.dumps(PAYMENT),
    "null": "null",
    "an array of texts": '["payment"]',
    "an array in an array": "[[]]",
    "no type": '[{"amount": 1}]',
    "an empty type": '[{"type": ""}]',
    "a type that is no text": '[{"type": ["payment"]}]',
    "an unknown type": asked({"type": "other"}),
    "a type that is not the client's": asked({"type": "secret"}),
    "one of two is not the client's": asked(FILES, {"type": "secret"}),
    "an unknown field": asked(PAYMENT | {"surprise": 1}),
    "no field that is required": asked({"type": "payment"}),
    "several where there may be one": asked(PAYMENT, PAYMENT),
    "a field twice": '[{"type": "files", "path": "/a", "path": "/b"}]',
    "a field twice, deep inside": '[{"type": "files", "x": [{"a": 1, "a": 2}]}]',
    "the type twice": '[{"type": "files", "type": "secret"}]',
    "locations that are a text": asked(FILES | {"locations": "https://files.example"}),
    "actions that are numbers": asked(FILES | {"actions": [1]}),
    "datatypes that are null": asked(FILES | {"datatypes": None}),
    "privileges that are an object": asked(FILES | {"privileges": {}}),
    "an identifier that is a number": asked(FILES | {"identifier": 7}),
    "64 KiB and more": asked(FILES | {"x": "x" * 65536}),
    "64 KiB in other letters": json.dumps([FILES | {"x": "\N{SNOWMAN}" * 22000}], ensure_ascii=False),
    "17 levels": nested(17),
    "thousands of levels": "[" * 60000,
    "thousands of levels, closed": nested(30000),
    "not a number": '[{"type": "files", "x": NaN}]',
    "infinite": '[{"type": "files", "x": -Infinity}]',
    "infinite by its exponent": '[{"type": "files", "x": 1e999}]',
    "a number of 5000 digits": '[{"type": "files", "x": ' + "9" * 5000 + "}]",
    "a NUL": asked(FILES | {"x": "a\0b"}),
    "a lone surrogate": '[{"type": "files", "x": "\\ud800"}]',
    "a control character in a name": '[{"type": "files", "a\\u0007": 1}]',
    "51 details": asked(*[FILES] * 51),
}


@pytest.fixture
def paying(make_site: MakeSite) -> Site:
    return make_paying(make_site, OAUTH_PAR=True, OAUTH_MAX_BODY=400_000)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_they_are_refused_wherever_they_come(paying: Site, bad: str) -> None:
    client = paying_client(paying)
    pushed = paying.post(client, "/oauth/par", **query(client, authorization_details=bad))
    refusal(pushed, 400, "invalid_authorization_details")
    if len(bad) < 8000:
        refused(location(paying.ask(client, authorization_details=bad)), "invalid_authorization_details")
    for grant, more in (
        ("client_credentials", {}),
        ("password", {"username": "alice", "password": "right"}),
    ):
        paying.gateway.check_password(lambda name, _: paying.people.get(name))
        response = paying.token(client, grant, authorization_details=bad, **more)
        refusal(response, 400, "invalid_authorization_details")
    refusal(
        paying.post(client, "/oauth/device_authorization", client_id=client.client_id, authorization_details=bad),
        400,
        "invalid_authorization_details",
    )


def test_none_takes_long(paying: Site) -> None:
    from flask_oauth_gateway.errors import InvalidAuthorizationDetails
    from flask_oauth_gateway.permissions.details import read_details

    for name, bad in BAD.items():
        least = 1.0
        for _ in range(3):
            begun = time.perf_counter()
            with contextlib.suppress(InvalidAuthorizationDetails):
                read_details(bad)
            least = min(least, time.perf_counter() - begun)
        assert least < MOST_SECONDS, name


GOOD: dict[str, dict[str, Any]] = {
    "16 levels": json.loads(nested(16))[0],
    "the common fields": {
        "type": "payment", "amount": 1, "locations": ["https://bank.example"], "actions": ["pay"], "datatypes": ["iban"],
        "privileges": ["owner"], "identifier": "account-1",
    },
    "numbers as they are": {"type": "files", "a": 1, "b": 1.5, "c": -0.25, "d": True, "e": None, "f": 10**30},
    "what looks like markup": {"type": "files", "x": "<script>alert(1)</script>", "{{ 7 * 7 }}": "{{ 7 * 7 }}"},
    "other writing systems": {"type": "files", "имя": "ملف", "\N{SNOWMAN}": "日本語\n\tzwei"},
}  # fmt: skip


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
def test_these_are_taken_shown_without_markup_and_given_as_they_were(paying: Site, good: dict[str, Any]) -> None:
    client = paying_client(paying)
    response = paying.ask(client, authorization_details=asked(good))
    assert "<script>alert" not in response.text
    assert "49" not in Page(response).text
    tokens = paying.tokens(client, authorization_details=asked(good))
    assert json.dumps(tokens["authorization_details"], sort_keys=True) == json.dumps([good], sort_keys=True)


def test_65536_bytes_are_taken(paying: Site) -> None:
    client = paying_client(paying)
    text = asked(FILES | {"x": ""})
    full = asked(FILES | {"x": "x" * (65536 - len(text))})
    response = paying.token(client, "client_credentials", authorization_details=full)
    assert response.status_code == 200, response.text
    assert response.get_json()["authorization_details"] == json.loads(full)


def test_a_repeated_parameter_is_refused(paying: Site) -> None:
    client = paying_client(paying)
    pairs = [*query(client).items(), ("authorization_details", asked(FILES)), ("authorization_details", asked(PAYMENT))]
    from urllib.parse import urlencode

    refused(location(paying.browser.get(f"/oauth/authorize?{urlencode(pairs)}")), "invalid_request")
