"""Shares counts for rate limits, and news, among the processes of a gateway through Redis (`OAUTH_REDIS_URL`).

Redis holds nothing that must not be lost: the database knows what is revoked and what is spent. While Redis doesn't
answer, `run` raises `RedisAway` at once, except for one request a second, which tries again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..errors import without_secrets

if TYPE_CHECKING:
    from limits.storage import Storage

logger = logging.getLogger(__name__)

TIMEOUT = 0.5  # the most seconds that a request waits when Redis stops answering
RETRY_SECONDS = 1.0
LOG_SECONDS = 60.0
MAX_CONNECTIONS = 50
Result = TypeVar("Result")


class RedisAway(Exception):
    """Redis doesn't answer, or failed to answer within the last second."""


class Redis:
    """One app's connections to Redis, opened on first use. `hear` is called with the news of every process."""

    def __init__(self, url: str, hear: Callable[[bytes], None], *, notice_seconds: float = 2) -> None:
        """`notice_seconds`: after so long without a word of Redis, news may have been missed."""
        # One more try, as the connections in the pool are dead after a restart of Redis.
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            max_connections=MAX_CONNECTIONS,
            retry=retry,
        )
        self._client = redis.Redis(connection_pool=self._pool)
        self._hear = hear
        self._ping_seconds = max(notice_seconds, 0.3) / 3
        database = self._pool.connection_kwargs.get("db") or 0
        self._channel = f"flask_oauth_gateway:{database}:news"  # channels are shared by all databases of a server
        self._try_again_at: float | None = None  # None while Redis answers
        self._complained_at = -LOG_SECONDS
        self._complained = False
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()
        self._subscription: Any = None
        self._lock = threading.Lock()
        _every_one.add(self)

    def counts(self) -> Storage:
        """The storage in which the limits library counts, for all processes together."""
        from limits.storage import RedisStorage

        return RedisStorage("redis://", connection_pool=self._pool)

    def run(self, work: Callable[[], Result]) -> Result:
        """Call `work`, and return its result. Raises `RedisAway` where Redis doesn't answer."""
        if self._try_again_at is not None:
            with self._lock:
                now = time.monotonic()
                if self._try_again_at is not None and now < self._try_again_at:
                    raise RedisAway
                self._try_again_at = now + RETRY_SECONDS  # the other requests go on without Redis meanwhile
        try:
            result = work()
        except redis.RedisError as error:
            self._try_again_at = time.monotonic() + RETRY_SECONDS
            self._complain(error)
            raise RedisAway from error
        self._try_again_at = None
        if self._complained:
            self._complained = False
            logger.warning("Redis answers again.")
        return result

    def answers(self) -> bool:
        """Whether Redis answers, and lets this process in."""
        try:
            return bool(self.run(self._client.ping))
        except RedisAway:
            return False

    def tell(self, news: bytes) -> bool:
        """Send news to every process that listens; False where that can't be done now."""
        try:
            self.run(lambda: self._client.publish(self._channel, news))
        except RedisAway:
            return False
        return True

    def listen(self) -> None:
        """Start a thread that hears the news. It hears `b""` whenever it may have missed some."""
        if self._listener is None:
            with self._lock:
                if self._listener is None:
                    self._closed.clear()
                    self._listener = threading.Thread(target=self._listen, name="oauth redis news", daemon=True)
                    self._listener.start()

    def close(self) -> None:
        """End the thread, and close every connection; the next use opens new ones."""
        listener, self._listener = self._listener, None
        self._closed.set()
        subscription = self._subscription
        if subscription is not None and subscription.connection is not None:
            subscription.connection.disconnect()  # wakes up the thread, which waits for news
        if listener is not None and listener is not threading.current_thread():
            listener.join(2 * TIMEOUT)
        self._pool.disconnect()

    def after_fork(self) -> None:
        """Drop the parent's thread. The pool handles its connections by itself."""
        self._listener = self._subscription = None
        self._lock, self._closed = threading.Lock(), threading.Event()

    def _listen(self) -> None:
        me = threading.current_thread()
        while self._listener is me:
            try:
                self._hear_until_lost(me)
            except (redis.RedisError, OSError, ValueError) as error:  # ValueError: closed by another thread
                if self._listener is me:
                    self._complain(error)
                    self._hear(b"")  # news from now on are missed
                    self._closed.wait(RETRY_SECONDS)

    def _hear_until_lost(self, me: threading.Thread) -> None:
        with self._client.pubsub() as subscription:  # type: ignore[no-untyped-call]
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
                " and may learn of a revocation later.",
                without_secrets(error),
            )


_every_one: weakref.WeakSet[Redis] = weakref.WeakSet()


def _after_fork() -> None:
    for each in _every_one:
        each.after_fork()


os.register_at_fork(after_in_child=_after_fork)
