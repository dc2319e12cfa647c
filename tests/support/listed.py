"""One test for a list of small cases that can share an app: it says all that are wrong, each by its name."""

import traceback
from collections.abc import Callable, Mapping
from typing import Any


def for_each(cases: Mapping[str, tuple[Any, ...]], check: Callable[..., None]) -> None:
    """Hold every case against `check`, which takes what stands in it; fails with the names of those that are wrong, and why."""
    assert cases
    wrong = {}
    for name, case in cases.items():
        try:
            check(*case)
        except Exception as error:  # noqa: BLE001 (whatever it is, the others are checked too)
            wrong[name] = "".join(traceback.format_exception(error, limit=-2))
    assert not wrong, "\n".join(f"{name}: {text}" for name, text in wrong.items())
