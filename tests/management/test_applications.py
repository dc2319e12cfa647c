"""Applications in the management API."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any

import pytest

from tests.support.app import is_accepted, refusal, token_for
from tests.support.databases import every_database
from tests.support.management import Api

PATH = "/applications"


def test_the_life_of_an_application(api: Api) -> None:
    made = api("POST", PATH, {"name": "Partner", "owner": "ann", "status": "pending", "attributes": {"tier": 1}})
    assert made.status_code == 201
    mine = made.get_json()["application_id"]
    assert api.get(f"{PATH}/{mine}")["attributes"] == {"tier": 1}
    body = {"grant_types": ["client_credentials"], "scope": "weather:read", "application": mine}
    station = api("POST", "/clients", body).get_json()
    assert (station["application"], station["enabled"], station["switched_on"]) == (mine, False, True)
    assert api("POST", f"{PATH}/{mine}/approve").get_json()["status"] == "approved"
    registered: Any = type("Registered", (), station)
    token = token_for(api.http, registered)["access_token"]
    assert is_accepted(api.http, token)
    assert api("POST", f"{PATH}/{mine}/revoke").get_json()["status"] == "revoked"
    assert not is_accepted(api.http, token)
    assert [each["client_id"] for each in api.get(f"/clients?application={mine}")["clients"]] == [station["client_id"]]
    assert api("PATCH", f"/clients/{station['client_id']}", {"application": None}).get_json()["application"] is None
    assert is_accepted(api.http, token)
    assert api("PATCH", f"/clients/{station['client_id']}", {"application": mine}).get_json()["enabled"] is False
    refusal(api("DELETE", f"{PATH}/{mine}"), 409, "conflict")
    assert api("DELETE", f"{PATH}/{mine}?with_clients=true").status_code == 204
    refusal(api("GET", f"{PATH}/{mine}"), 404, "not_found")
    refusal(api("GET", f"/clients/{station['client_id']}"), 404, "not_found")
    entries = api.get(f"/audit?actor=client%20{api.admin.client_id}&event=application_changed")["entries"]
    assert [(each["details"]["change"], each["details"]["application_id"]) for each in entries] == [
        ("delete", mine), ("revoke", mine), ("approve", mine),
    ]  # fmt: skip


def test_a_list_that_goes_on(api: Api) -> None:
    for number in range(3):
        api("POST", PATH, {"name": f"Listed {number}", "application_id": f"a{number}", "owner": "ann"})
    api("POST", f"{PATH}/a2/revoke")
    first = api.get(f"{PATH}?owner=ann&limit=2")
    assert [each["application_id"] for each in first["applications"]] == ["a0", "a1"]
    rest = api.get(f"{PATH}?owner=ann&limit=2&after={first['next']}")
    assert [each["application_id"] for each in rest["applications"]] == ["a2"]
    assert rest["next"] is None
    assert [each["application_id"] for each in api.get(f"{PATH}?text=listed%201")["applications"]] == ["a1"]
    assert [each["application_id"] for each in api.get(f"{PATH}?status=revoked")["applications"]] == ["a2"]


def test_of_two_who_change_what_they_read_the_second_is_told(api: Api) -> None:
    made = api("POST", PATH, {"name": "A", "application_id": "a"})
    etag = made.headers["ETag"]
    assert api("PATCH", f"{PATH}/a", {"name": "B"}, **{"If-Match": etag}).get_json()["name"] == "B"
    refusal(api("PATCH", f"{PATH}/a", {"name": "C"}, **{"If-Match": etag}), 412, "precondition_failed")
    refusal(api("PATCH", f"{PATH}/a", {}, **{"If-Match": etag}), 412, "precondition_failed")
    refusal(api("DELETE", f"{PATH}/a", **{"If-Match": etag}), 412, "precondition_failed")


@every_database
@pytest.mark.parametrize("deletes", [False, True])
def test_of_ten_at_once_who_change_what_they_read_one_does(api: Api, deletes: bool) -> None:
    etag = api("POST", PATH, {"name": "A", "application_id": "a"}).headers["ETag"]

    def change(number: int) -> int:
        mine = copy(api)
        mine.http = api.app.test_client()
        if deletes and number % 2:
            return mine("DELETE", f"{PATH}/a", **{"If-Match": etag}).status_code
        return mine("PATCH", f"{PATH}/a", {"name": f"B{number}"}, **{"If-Match": etag}).status_code

    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(change, range(10)))
    (won,) = [status for status in found if status < 400]
    assert {status for status in found if status >= 400} == ({412} if won == 200 else {404})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {}, 422),
        ("POST", "", {"name": "A", "plan": "gold"}, 422),
        ("POST", "", {"name": "A", "application_id": "taken"}, 409),
        ("POST", "", {"name": "A", "status": "perhaps"}, 400),
        ("POST", "", {"name": "A", "colour": "blue"}, 400),
        ("PATCH", "/taken", {"status": "approved"}, 400),
        ("PATCH", "/nobody", {"name": "A"}, 404),
        ("POST", "/nobody/approve", None, 404),
        ("GET", "?status=perhaps", None, 400),
        ("GET", "/a%00b", None, 404),
    ],
)
def test_what_can_t_be(api: Api, method: str, path: str, body: Any, status: int) -> None:
    api.gateway.applications.create("Taken", application_id="taken")
    response = api(method, PATH + path, body)
    assert response.status_code == status, response.text
    assert response.get_json()["error_description"]
