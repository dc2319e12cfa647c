"""Shares counts for rate limits, and news, among the processes of a gateway through Redis (`OAUTH_REDIS_URL`).

Redis holds nothing that must not be lost: the database knows what is revoked and what is spent. When Redis doesn't answer,
`run` raises `RedisAway` at once from then on, and a thread tries again until it does.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.exceptions import MovedError
from redis.sentinel import MasterNotFoundError

from ...config.readers.redis_url import servers_of
from ...errors import without_secrets
from .servers import FAILURES, TIMEOUT, Connected, connect

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LOG_SECONDS = 60.0
Result = TypeVar("Result")


class RedisAway(Exception):
    """Redis doesn't answer, or failed to answer lately."""

    def __str__(self) -> str:
        return "it is away"


class Redis:
    """One app's connections to Redis, opened on first use. `hear` is called with the news of every process."""

    def __init__(
        self, url: str, hear: Callable[[bytes], None], *, notice_seconds: float = 2, keeps_proofs: bool = False
    ) -> None:
        """`notice_seconds`: after so long without a word of Redis, news may have been missed.

        `keeps_proofs`: which proofs of DPoP's were used is kept there, too.
        """
        self._keeps_proofs = keeps_proofs
        self._servers = servers_of(url)
        self._hear = hear
        self._ping_seconds = max(notice_seconds, 0.3) / 3
        database = self._servers.options.get("db") or 0
        self._channel = f"flask_oauth_gateway:{database}:news"  # channels are shared by all databases of a server
        self._connected: Connected | None = None
        self._parents: Connected | None = None
        self._is_away = False
        self._complained_at = -LOG_SECONDS
        self._complained = False
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()
        self._subscription: Any = None
        self._lock = threading.RLock()
        _every_one.add(self)

    def run(self, work: Callable[[Connected], Result]) -> Result:
        """Call `work`, and return its result. Raises `RedisAway` where Redis doesn't answer."""
        if self._is_away:
            raise RedisAway
        try:
            return work(self._connected or self._connect())
        except FAILURES as error:
            self._leave(error)
            raise RedisAway from error

    def trouble(self) -> str | None:
        """Why Redis doesn't answer, or doesn't let this process in, count or tell news; None where it does."""
        try:
            self.run(lambda connected: connected.check(self._channel, keeps_proofs=self._keeps_proofs))
        except RedisAway as away:
            return self._reason(away.__cause__ or away)
        return None

    def tell(self, news: bytes) -> bool:
        """Send news to every process that listens; False where one may not hear it.

        What has more than one server may take news, and lose it: the process that tells it and the one that listens may be
        connected to different ones, as while one is replaced by another. One server has both, or says so.
        """
        try:
            self.run(lambda connected: connected.client.publish(self._channel, news))
        except RedisAway:
            return False
        return self._servers.kind == "server"

    def listen(self) -> None:
        """Start a thread that hears the news. It hears `b""` whenever it may have missed some."""
        if self._listener is None:
            with self._lock:
                if self._listener is None:
                    self._listener = threading.Thread(target=self._listen, name="oauth redis news", daemon=True)
                    self._listener.start()

    def close(self) -> None:
        """End the threads, and close every connection; the next use opens new ones."""
        listener, self._listener = self._listener, None
        self._closed.set()
        subscription = self._subscription
        if subscription is not None and subscription.connection is not None:
            subscription.connection.disconnect()  # wakes up the thread, which waits for news
        if listener is not None and listener is not threading.current_thread():
            listener.join(2 * TIMEOUT)
        with self._lock:
            connected, self._connected, self._is_away = self._connected, None, False
            self._closed = threading.Event()
        if connected is not None:
            connected.close()

    def after_fork(self) -> None:
        """Leave threads and connections to the parent. A thread of its may hold their locks: they aren't even closed."""
        self._parents, self._connected, self._is_away = self._connected, None, False
        self._listener = self._subscription = None
        self._lock, self._closed = threading.RLock(), threading.Event()

    def _connect(self) -> Connected:
        """Connect; one thread does so, and the others wait for it. Raises `RedisAway`."""
        with self._lock:
            if self._is_away:
                raise RedisAway
            if self._connected is None:
                try:
                    self._connected = connect(self._servers)
                except FAILURES as error:
                    self._leave(error)
                    raise RedisAway from error
            return self._connected

    def _leave(self, error: Exception) -> None:
        """Go on without Redis, until a thread has found that it answers again."""
        with self._lock:
            self._complain(error)
            if not self._is_away:
                self._is_away = True
                threading.Thread(target=self._come_back, args=(self._closed,), name="oauth redis", daemon=True).start()

    def _come_back(self, closed: threading.Event) -> None:
        while not closed.wait(RETRY_SECONDS):
            try:
                known = () if self._connected is None else self._connected.nodes()
                connected = connect(self._servers, known)  # another server may be the master by now
                connected.check(self._channel, keeps_proofs=self._keeps_proofs)
            except FAILURES:
                continue
            with self._lock:
                if closed is not self._closed or closed.is_set():
                    return
                self._connected, self._is_away = connected, False
            if self._complained:
                self._complained = False
                logger.warning("Redis answers again.")
            return

    def _listen(self) -> None:
        me = threading.current_thread()
        while self._listener is me:
            try:
                self._hear_until_lost(me)
            except (RedisAway, OSError, ValueError, *FAILURES) as error:  # ValueError: closed by another thread
                if self._listener is me:
                    if not isinstance(error, RedisAway):
                        self._leave(error)
                    self._hear(b"")  # news from now on are missed
                    self._closed.wait(RETRY_SECONDS)

    def _hear_until_lost(self, me: threading.Thread) -> None:
        with self._connect().client.pubsub() as subscription:
            self._subscription = subscription
            subscription.subscribe(self._channel)
            heard_at = time.monotonic()
            while self._listener is me:
                message = subscription.get_message(timeout=self._ping_seconds)
                now = time.monotonic()
                if message is None:
                    if now - heard_at > 2 * self._ping_seconds + TIMEOUT:
                        raise redis.TimeoutError("nothing was heard of it")
                    subscription.ping()
                    continue
                heard_at = now
                if message["type"] == "subscribe":  # also after the library has connected anew by itself
                    self._hear(b"")
                elif message["type"] == "message":
                    self._hear(message["data"])

    def _complain(self, error: Exception) -> None:
        """Log an error, but at most one a minute."""
        now = time.monotonic()
        if now - self._complained_at >= LOG_SECONDS:
            self._complained_at, self._complained = now, True
            logger.error(
                "Redis did not answer: %s. Until it does each process counts rate limits by itself,"
                " and may learn of a revocation later%s.",
                self._reason(error),
                ", and requests with a DPoP proof are refused" if self._keeps_proofs else "",
            )

    def _reason(self, error: BaseException) -> str:
        """An error's text; of one about Sentinels without redis-py's objects, which it repeats, but with what they met."""
        if isinstance(error, MovedError) and self._servers.kind != "cluster":
            return "a node of a Cluster: use redis+cluster://"
        text, _, objects = str(error).partition(" : <")
        met = sorted(set(re.findall(r"\w+Error\b", objects)))
        text = f"{text} ({', '.join(met)})" if met else text.rstrip(".")
        if isinstance(error, MasterNotFoundError) and self._servers.service.isdecimal():
            text += ", the name before the database: /<service>/<database>"
        return without_secrets(text)


_every_one: weakref.WeakSet[Redis] = weakref.WeakSet()


def _after_fork() -> None:
    for each in _every_one:
        each.after_fork()


os.register_at_fork(after_in_child=_after_fork)
