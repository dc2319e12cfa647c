"""Authorization details: what a client asks for that scopes can't say, such as one payment (RFC 9396).

A client may ask only for types that it is registered for. What it asks for goes through the app's hook for the type, where
there is one; what came of that is shown to the user, and granted as it was shown.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InvalidAuthorizationDetails, NotConfigured, clean, shown

if TYPE_CHECKING:
    from ..hooks import AuthorizationDetail
    from ..stores.registered_client import Client

Detail = dict[str, Any]
Details = tuple[Detail, ...]

MAX_BYTES, MAX_DEPTH, MAX_DETAILS = 65536, 16, 50
#: The fields that every type may have (section 2.2): arrays of texts, and a text.
LISTS = ("locations", "actions", "datatypes", "privileges")
COMMON = frozenset({"type", *LISTS, "identifier"})
# What no database stores in every place, and what no page can show.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read_details(text: str) -> Details:
    """The details in a parameter, by their shape alone. Raises `InvalidAuthorizationDetails` (section 5)."""
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidAuthorizationDetails(f"The authorization details are longer than {MAX_BYTES // 1024} KiB.")
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetails("The authorization details are not JSON.") from None
    return check_shape(found)


def check_shape(found: Any) -> Details:
    """The details, where they are an array of objects, each with a type, and the common fields are as section 2.2 says."""
    if not isinstance(found, (list, tuple)):
        raise InvalidAuthorizationDetails("The authorization details are no array.")
    if len(found) > MAX_DETAILS:
        raise InvalidAuthorizationDetails(f"There are more than {MAX_DETAILS} authorization details.")
    for each in found:
        _check_value(each, 2)
        if not isinstance(each, dict) or not isinstance(each.get("type"), str) or not each["type"]:
            raise InvalidAuthorizationDetails("Each of the authorization details is an object with a 'type', a text.")
        for name in LISTS:
            if name in each and not _is_list_of_texts(each[name]):
                raise InvalidAuthorizationDetails(
                    f"The field '{name}' of an authorization detail is an array of texts."
                )
        if "identifier" in each and not isinstance(each["identifier"], str):
            raise InvalidAuthorizationDetails("The field 'identifier' of an authorization detail is a text.")
    return tuple(found)


def is_fit(found: Any) -> bool:
    """Whether what another server calls authorization details has their shape."""
    try:
        return isinstance(found, list) and bool(check_shape(found))
    except InvalidAuthorizationDetails:
        return False


class AuthorizationDetails:
    """The types that an app has (`OAUTH_AUTHORIZATION_DETAILS`), and what becomes of a request for details of them."""

    def __init__(
        self, types: Mapping[str, Mapping[str, Any]], hooks: Mapping[str, AuthorizationDetail] | None = None
    ) -> None:
        """`hooks`: the app's, by type."""
        self._types = types
        self._hooks = {} if hooks is None else hooks

    def asked(self, text: str, client: Client) -> Details:
        """What a client asks for. Raises `InvalidAuthorizationDetails` where that may not be asked for (section 5).

        A type has the fields that it is given in `required` and `allowed`, and the common ones; any field without `allowed`.
        """
        found = read_details(text)
        self.check_types(found, client)
        seen = set()
        for each in found:
            name, about = each["type"], self._types[each["type"]]
            if name in seen and not about["multiple"]:
                raise InvalidAuthorizationDetails(f"Only one detail of the type '{clean(name, 60)}' may be asked for.")
            seen.add(name)
            missing = [field for field in about["required"] if field not in each]
            if missing:
                _refuse(name, f"has no field '{clean(missing[0], 60)}', which it needs")
            if about["allowed"] is not None:
                unknown = each.keys() - COMMON - {*about["required"], *about["allowed"]}
                if unknown:
                    _refuse(name, f"has a field '{clean(min(unknown), 60)}', which is not known")
        return found

    def check_types(self, details: Iterable[Detail], client: Client) -> None:
        """Raises `InvalidAuthorizationDetails` for a type that isn't known, or that the client isn't registered for."""
        for each in details:
            if each["type"] not in self._types:
                raise InvalidAuthorizationDetails(f"The type '{clean(each['type'], 60)}' is not known here.")
            if each["type"] not in client.authorization_details_types:
                raise InvalidAuthorizationDetails(f"This client may not ask for the type '{clean(each['type'], 60)}'.")

    def decided(self, details: Details, client: Client, user: Any) -> Details:
        """The details as the app's hooks return them. Raises `InvalidAuthorizationDetails` where one refuses.

        Raises `NotConfigured` where a hook returns what can't be a detail. `user`: `None` where none takes part.
        """
        found = tuple(self._decided(each, client, user) for each in details)
        if any(new is not old for new, old in zip(found, details, strict=True)) and _length(found) > MAX_BYTES:
            raise NotConfigured("The hooks made the authorization details longer than 64 KiB.")
        return found

    def _decided(self, detail: Detail, client: Client, user: Any) -> Detail:
        name = detail["type"]
        hook = self._hooks.get(name)
        if hook is None:
            return detail
        returned = hook(deepcopy(detail), client, user)
        if returned is None:
            _refuse(name, "was refused")
        try:
            (found,) = read_details(compact([dict(returned)]))
        except (InvalidAuthorizationDetails, TypeError, ValueError, RecursionError) as error:
            why = error.description if isinstance(error, InvalidAuthorizationDetails) else shown(str(error))
            raise NotConfigured(
                f"The hook for the type '{clean(name, 60)}' returned no detail: {clean(why)}"
            ) from error
        if found["type"] != name:
            raise NotConfigured(f"The hook for the type '{clean(name, 60)}' returned a detail of another type.")
        return found

    def of_approved(self, approved: Iterable[Detail], asked: str | None, client: Client) -> Details:
        """Those of the approved details that the client may still have, or what it asks for of them (see `among`)."""
        allowed = self.still_allowed(approved, client)
        return allowed if asked is None else among(asked, allowed)

    def still_allowed(self, details: Iterable[Detail], client: Client) -> Details:
        """Those of the approved details whose type still exists, and which the client may still have."""
        return tuple(
            each
            for each in details
            if each["type"] in self._types and each["type"] in client.authorization_details_types
        )


def among(text: str, approved: Sequence[Detail]) -> Details:
    """The approved details that a token request asks for (section 6.1). Raises `InvalidAuthorizationDetails` for more.

    Each one that is asked for stands for another of the approved ones. Its fields are that one's, save that `locations`,
    `actions`, `datatypes` and `privileges` may name fewer; fields that it leaves out are as they were approved.
    """
    asked = read_details(text)
    wanted, there = [_comparable(each) for each in asked], [_comparable(each) for each in approved]
    fitting = [[at for at, one in enumerate(there) if _is_within(each, one)] for each in wanted]
    taken: dict[int, int] = {}  # approved one to the one asked for that stands for it
    for number, each in enumerate(asked):
        if not _takes(number, fitting, taken, set()):
            _refuse(each["type"], "is not one that was approved, or more than that")
    by_number = {number: approved[at] for at, number in taken.items()}
    return tuple(by_number[number] | each for number, each in enumerate(asked))


def _takes(number: int, fitting: list[list[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Whether one that is asked for finds an approved one, for which another may have to move on to the next."""
    free = next((at for at in fitting[number] if at not in taken), None)
    if free is not None:
        taken[free] = number
        return True
    for at in fitting[number]:
        if at not in tried:
            tried.add(at)
            if _takes(taken[at], fitting, taken, tried):
                taken[at] = number
                return True
    return False


def _comparable(detail: Detail) -> dict[str, Any]:
    """A detail with sets of what it may name fewer of, and all else as JSON, where 1 is neither 1.0 nor true."""
    return {
        name: frozenset(value) if name in LISTS and value else json.dumps(value, sort_keys=True)
        for name, value in detail.items()
    }


def _is_within(asked: dict[str, Any], approved: dict[str, Any]) -> bool:
    """An array without anything could be read as naming all: it is equal to such a one alone."""
    return all(
        name in approved
        and (value == approved[name] or (isinstance(value, frozenset) and value <= _set_of(approved[name])))
        for name, value in asked.items()
    )


def _set_of(value: Any) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def concerning(details: Iterable[Detail], server: Client) -> list[Detail]:
    """The details that concern a resource server (section 9.2): with `locations` elsewhere, they are another's.

    It is known by its `client_id`, and by scheme, host and port of its `client_uri`; without that, nothing tells what is
    another's, and it is told all.
    """
    if not server.client_uri:
        return [*details]
    home = _origin(server.client_uri)
    return [
        each
        for each in details
        if not each.get("locations") or any(at == server.client_id or _origin(at) == home for at in each["locations"])
    ]


def compact(details: Iterable[Mapping[str, Any]]) -> str:
    """Details as JSON, as short as it gets."""
    return json.dumps([*details], ensure_ascii=False, separators=(",", ":"))


def _length(details: Details) -> int:
    return len(compact(details).encode())


def _origin(uri: str) -> str:
    return "/".join(uri.split("/", 3)[:3]).partition("?")[0].partition("#")[0].lower()


def _refuse(name: str, why: str) -> NoReturn:
    raise InvalidAuthorizationDetails(f"The authorization detail of the type '{clean(name, 60)}' {why}.")


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidAuthorizationDetails("A field of an authorization detail is there twice.")
    return found


def _finite(text: str) -> float:
    """A number, where JSON and every database know it: Python reads NaN too, and 1e999 as infinite."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return found


def _check_value(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if _UNFIT.search(value):
            raise InvalidAuthorizationDetails("A text in the authorization details has a control character.")
        return
    if not isinstance(value, (dict, list)):
        return
    if depth > MAX_DEPTH:
        raise InvalidAuthorizationDetails(f"The authorization details are nested deeper than {MAX_DEPTH} levels.")
    for each in [*value, *value.values()] if isinstance(value, dict) else value:
        _check_value(each, depth + 1)
