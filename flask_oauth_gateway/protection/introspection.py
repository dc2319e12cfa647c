"""Asks another server about a token (RFC 7662): authenticated, with limits on size and time, and a pause after a failure."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

from ..config.checks import ConfigurationError, boolean
from ..crypto.configured_keys import FETCHABLE, is_fetchable
from ..crypto.fetching import MAX_SECONDS, FetchError, post_form
from ..errors import TemporarilyUnavailable, without_secrets
from ..web.logs import logger

PAUSE_SECONDS = 5  # after a failure: until then no request asks again


class Answer(NamedTuple):
    """A live token's claims, and the seconds that they may be kept; `None` where the answer has no `Cache-Control`."""

    claims: Mapping[str, Any]
    seconds: int | None


class IntrospectionClient:
    """One server's introspection endpoint, with the credentials to ask there."""

    def __init__(
        self, url: str, client_id: str, client_secret: str, *, private_addresses: bool, plain_http_on_loopback: bool
    ) -> None:
        self.url = url
        self.client_id = client_id
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        self._headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}", "Accept": "application/json"}
        self._private_addresses = private_addresses
        self._plain_http_on_loopback = plain_http_on_loopback
        self._not_before = 0.0
        self.problem: str | None = None

    def ask(self, token: str, within: float = MAX_SECONDS) -> Answer | None:
        """A live token's claims; `None` for any other token. Raises `TemporarilyUnavailable` where the server doesn't answer."""
        now = time.monotonic()
        if now < self._not_before:
            raise _unavailable()
        if self.problem is not None:  # this request alone finds out whether the server is back; no other waits for it
            self._not_before = now + within + PAUSE_SECONDS
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        try:
            content, seconds = post_form(
                self.url,
                body,
                self._headers,
                within=within,
                private_addresses=self._private_addresses,
                plain_http_on_loopback=self._plain_http_on_loopback,
            )
            answer = json.loads(content)
            if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
                raise FetchError("its answer says nothing of 'active'")
        except (FetchError, ValueError, RecursionError) as error:
            self.problem = str(error)
            self._not_before = time.monotonic() + PAUSE_SECONDS
            logger.warning("The introspection endpoint %s can't be asked: %s", without_secrets(self.url), self.problem)
            raise _unavailable() from error
        self.problem, self._not_before = None, 0.0
        return Answer(answer, seconds) if answer["active"] else None


def load_introspection_client(key: str, entry: Mapping[str, Any], *, relaxed: bool) -> IntrospectionClient:
    """Make the client from an issuer's entry in the configuration. Raises `ConfigurationError`."""
    url = entry["introspection"]
    if not isinstance(url, str) or not is_fetchable(url, relaxed=relaxed):
        raise ConfigurationError(
            f"{key}['introspection']", url, f"{FETCHABLE} (in debug and testing http on loopback too)"
        )
    for name in ("client_id", "client_secret"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise ConfigurationError(f"{key}[{name!r}]", "what can't be used", "who asks there: a text")
    return IntrospectionClient(
        url,
        entry["client_id"],
        entry["client_secret"],
        private_addresses=boolean(f"{key}['private_addresses']", entry.get("private_addresses", False)),
        plain_http_on_loopback=relaxed,
    )


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("The issuer of the access token can't be asked at the moment.")
