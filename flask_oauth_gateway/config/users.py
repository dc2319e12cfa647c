"""Settings of users: where a user signs in, how long an approval may last, and what becomes of a removed user's tokens."""

from __future__ import annotations

from dataclasses import dataclass

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class UserSettings:
    __slots__ = ()

    login_url: str | None = setting(
        None,
        check.optional_text,
        "Where a user signs in: a URL of this site or an endpoint, called with `next`. Left out: Flask-Login's"
        " `login_view`.",
    )
    consent_durations: tuple[str | int, ...] = setting(
        (),
        check.durations,
        'How long a user may let an approval last: any of `"once"`, seconds or a `timedelta`, and `"always"`. Empty:'
        " until it is revoked, without asking.",
    )
    check_user: bool = setting(
        False,
        check.boolean,
        "Ask the `load_user` hook for each token's subject, and refuse the token of a user who is gone.",
    )
