"""Notes the uses of personal access tokens, in apps that have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..access_token import PERSONAL

if TYPE_CHECKING:
    from ...stores.personal.uses import Uses
    from ...web.addresses import Addresses
    from ..access_token import AccessToken


def noting(read: Callable[[str], AccessToken], uses: Uses, addresses: Addresses) -> Callable[[str], AccessToken]:
    """What `read` does, which validates a request's token, and then a note of the use where the token is a personal one."""

    def read_and_note(token: str) -> AccessToken:
        found = read(token)
        if found.grant_type == PERSONAL and found.issuer is None:
            uses.note(found.token_id, addresses.of_request())
        return found

    return read_and_note
