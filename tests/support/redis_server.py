"""A Redis of one test's own, which it may stop, start again and lame; never the one that everything shares."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.ports import free_port, wait_for

PASSWORD = "only-for-tests"


class RedisServer:
    """`redis-server` on a free port, in a folder of its own. It keeps nothing: after a restart it is empty.

    `options` are directives of its configuration, with underscores. `tls`: the files that it needs to speak TLS alone.
    """

    def __init__(
        self, folder: Path, *arguments: str, port: int | None = None, tls: dict[str, Path] | None = None, **options: Any
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._arguments, self._tls = folder, arguments, tls
        self.port = port or free_port()
        self.password = options.setdefault("requirepass", PASSWORD)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        ports = (
            {"port": self.port} if tls is None else {"port": 0, "tls_port": self.port, "tls_auth_clients": "no", **tls}
        )
        directives = {"bind": "127.0.0.1", "dir": folder, **ports, **options}
        lines = [f"{name.replace('_', '-')} {value}\n" for name, value in directives.items()]
        (folder / "redis.conf").write_text("".join(lines))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", str(self._folder / "redis.conf"), *self._arguments]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port, self._process)

    def stop(self) -> None:
        """As by a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It takes connections and answers nothing, until `thaw`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | int) -> Any:
        encryption = {} if self._tls is None else {"ssl": True, "ssl_ca_certs": str(self._tls["tls_ca_cert_file"])}
        with closing(
            redis.Redis(port=self.port, password=self.password or None, socket_timeout=5, **encryption)
        ) as client:
            return client.execute_command(*command)


@contextmanager
def own_redis(folder: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on the PATH")
    server = RedisServer(folder, save='""')
    server.start()
    try:
        yield server
    finally:
        server.stop()
