"""A signed authorization request with a `jti` is good once: its answer uses it up, as that of a pushed one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..stores.issuance import AlreadyAnswered

if TYPE_CHECKING:
    from ..stores.issuance import Spend
    from ..stores.once import OnceStore


@dataclass(slots=True)
class OneTime:
    """What uses up a signed request that has a `jti`, as the answer to a pushed one uses that up."""

    store: OnceStore
    key: bytes
    until: int
    is_ours: bool = False  # this visit has used it up

    @property
    def spend(self) -> Spend:
        """The statement that uses the request up, for the transaction that stores the code."""
        return self.store.claiming(self.key, self.until)

    def is_used(self) -> bool:
        return self.store.is_claimed(self.key)

    def use(self) -> None:
        """Use the request up for an answer without a code. Raises `AlreadyAnswered` where another answer has."""
        if not self.is_ours and not self.store.claim(self.key, self.until):
            raise AlreadyAnswered
        self.is_ours = True

    def keep_open(self) -> None:
        """Do nothing: the mark does it."""
