"""RSA keys for the apps of the tests: each process makes a few, in turn, and reads no key twice, nor one that it made.

To make one takes as long as several tests, and to read one nearly so.
"""

from itertools import count
from typing import Any

from joserfc._rfc7518.rsa_key import RSABinding

MADE = 8
Name = tuple[tuple[str, str], ...]
MEMBERS = "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth"


def keep_rsa_keys() -> None:
    """From now on, keys of the usual size come from a few that are made on first use, and none is read twice."""
    generate, read = RSABinding.generate_private_key, RSABinding.import_private_key
    made: list[Any] = []
    known: dict[Name, Any] = {}
    turn = count()

    def generate_private_key(size: int) -> Any:
        if size != 2048:
            return generate(size)
        if len(made) < MADE:
            key = generate(size)
            made.append(key)
            known[name_of(RSABinding.export_private_key(key))] = key
        return made[next(turn) % len(made)]

    def import_private_key(cls: type[RSABinding], obj: Any) -> Any:
        name = name_of(obj)
        if name not in known:
            known[name] = read(obj)
        return known[name]

    def name_of(obj: Any) -> Name:
        return tuple((member, repr(obj[member])) for member in MEMBERS if member in obj)  # its "kid" is each app's own

    RSABinding.generate_private_key = staticmethod(generate_private_key)  # type: ignore[method-assign]
    RSABinding.import_private_key = classmethod(import_private_key)  # type: ignore[method-assign, assignment]
