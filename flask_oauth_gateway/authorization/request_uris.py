"""Fetches signed requests from their clients' registered addresses (RFC 9101 section 5.2, OIDC Core section 6.2)."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urldefrag

from ..clients.keys import seconds_left
from ..crypto.fetching import FetchError, fetch
from ..crypto.jose import MAX_TOKEN
from ..errors import TemporarilyUnavailable
from ..locks import Lock
from .request_object import RequestObjectError

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..stores.registered_client import Client

MAX_LENGTH = 512  # RFC 9101 section 5.2
MAX_KEPT = 100
MAX_SECONDS = 3600
NAMED_SECONDS = 600  # where the fragment names the content (OIDC Core section 6.2)
FAILED_SECONDS = 10  # after which an address that failed is called again
AT_ONCE = 10  # of one client's, so that its slow server takes no more of ours
ACCEPT = "application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1"
INVALID = "invalid_request_uri"


class RequestUris:
    """What stands at the `request_uris` of clients. An answer is kept as long as it says, and a failure for 10 seconds."""

    def __init__(self, keys: ClientKeys) -> None:
        self._keys = keys
        self._kept: dict[tuple[int, str], tuple[float, str | RequestObjectError]] = {}
        self._called: Counter[int] = Counter()  # by the client's key
        self._lock = Lock()

    def text_at(self, client: Client, request_uri: str) -> str:
        """The signed request at one of the client's own addresses; no other is called. Raises `RequestObjectError`."""
        if len(request_uri) > MAX_LENGTH:
            raise RequestObjectError(f"its address is longer than {MAX_LENGTH} characters", INVALID)
        address, fragment = urldefrag(request_uri)
        if address not in {urldefrag(each)[0] for each in client.request_uris}:
            raise RequestObjectError("its address is not one of the client's request_uris", INVALID)
        found = self._kept_of(client, request_uri)
        if found is None:
            found = self._kept_of(client, address)
            if isinstance(found, RequestObjectError):  # another fragment doesn't make a server answer that just failed
                raise found
            found, seconds = self._fetched(client, address)
            seconds = NAMED_SECONDS if seconds is None and fragment else seconds or 0
            self._keep((client.key, address if isinstance(found, RequestObjectError) else request_uri), found, seconds)
        if isinstance(found, RequestObjectError):
            raise found
        return found

    def _kept_of(self, client: Client, uri: str) -> str | RequestObjectError | None:
        until, found = self._kept.get((client.key, uri), (0.0, None))
        return found if time.monotonic() < until else None

    def _keep(self, name: tuple[int, str], found: str | RequestObjectError, seconds: int) -> None:
        if len(self._kept) >= MAX_KEPT:
            self._kept = {}
        if seconds:
            self._kept[name] = time.monotonic() + min(seconds, MAX_SECONDS), found

    def _fetched(self, client: Client, address: str) -> tuple[str | RequestObjectError, int | None]:
        """What stands there, or why that can't be had; and for how many seconds it may be kept."""
        with self._lock:
            if self._called[client.key] >= AT_ONCE:
                raise TemporarilyUnavailable
            self._called[client.key] += 1
        try:
            body, seconds = fetch(
                address,
                redirects=0,
                within=seconds_left(),
                max_bytes=MAX_TOKEN,
                accept=ACCEPT,
                plain_http_on_loopback=self._keys.on_loopback(),
            )
            return body.decode("ascii").strip(), seconds
        except UnicodeDecodeError:
            return RequestObjectError("what stands at its address is none", INVALID), FAILED_SECONDS
        except FetchError as error:
            return RequestObjectError(
                "it can't be fetched from its address", INVALID, reason=str(error)
            ), FAILED_SECONDS
        finally:
            with self._lock:
                self._called[client.key] -= 1
                if not self._called[client.key]:
                    del self._called[client.key]
