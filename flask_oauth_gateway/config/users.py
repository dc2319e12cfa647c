"""Settings of users: where a user signs in, how long an approval may last, and what becomes of a removed user's tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .checks import ConfigurationError, boolean, names, optional_text, positive
from .setting import setting


def read_durations(key: str, value: Any) -> tuple[str | int, ...]:
    """Any of `"once"`, `"always"` and seconds."""
    items: list[Any] = [*value] if isinstance(value, (list, tuple)) else [None]
    if None in items or any(isinstance(item, str) and item not in ("once", "always") for item in items):
        raise ConfigurationError(key, value, "a list of 'once', 'always', and seconds or timedeltas")
    return tuple(item if isinstance(item, str) else positive(key, item) for item in items)


def read_acr_values(key: str, value: Any) -> tuple[str, ...]:
    """Names that may stand in a list with spaces and between the quotation marks of a challenge (RFC 9470 section 3)."""
    listed = names(key, value)
    for item in listed:
        if not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", item):
            raise ConfigurationError(
                key, value, "a list of names of ASCII, without spaces, quotation marks and backslashes"
            )
    return listed


@dataclass(frozen=True, init=False, repr=False, eq=False)
class UserSettings:
    """A group of `Settings`."""

    __slots__ = ()

    login_url: str | None = setting(
        None,
        optional_text,
        "Where a user signs in: a URL of this site or an endpoint, called with `next`. Where it is left out,"
        " Flask-Login's `login_view` is taken, or Flask-Security's sign-in page.",
    )
    consent_durations: tuple[str | int, ...] = setting(
        (),
        read_durations,
        'How long a user may let an approval last: any of `"once"`, seconds or a `timedelta`, and `"always"`.'
        " Where the list is empty, the user isn't asked how long, and an approval lasts until it is revoked.",
    )
    acr_values: tuple[str, ...] = setting(
        (),
        read_acr_values,
        "How strongly a user may have signed in, the weakest first (RFC 9470): what clients and views may ask for, by the"
        " names that the `login_details` hook tells as `acr`. What asks for one takes any stronger. Where it is set, the"
        " `acr_values` of a request are no mere wish: a sign-in that is weaker gives no token.",
    )
    check_user: bool = setting(
        False,
        boolean,
        "Whether the `load_user` hook is asked for each token's subject, so that the token of a user who is gone"
        " is refused.",
    )

    def strong_enough(self, acr_values: Iterable[str]) -> frozenset[str]:
        """Those of `acr_values` that do for one who asks for any of these. Empty where none of them is known, or none is set."""
        strengths = self.strengths
        return frozenset().union(*(strengths.get(each, ()) for each in acr_values))

    @property
    def strengths(self) -> Mapping[str, frozenset[str]]:
        """By each of `acr_values`: itself and all that are stronger."""
        return {name: frozenset(self.acr_values[number:]) for number, name in enumerate(self.acr_values)}
