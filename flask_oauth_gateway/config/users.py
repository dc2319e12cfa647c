"""Settings of users: where a user signs in, how long an approval may last, and what becomes of a removed user's tokens."""

from __future__ import annotations

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


@dataclass(frozen=True, init=False, repr=False, eq=False)
class UserSettings:
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
        names,
        "How strongly a user may have signed in, the weakest first (RFC 9470): what clients and views may ask for, by the"
        " names that the `login_details` hook tells as `acr`. What asks for one takes any stronger.",
    )
    check_user: bool = setting(
        False,
        boolean,
        "Whether the `load_user` hook is asked for each token's subject, so that the token of a user who is gone"
        " is refused.",
    )
