"""Ports of this machine: free ones, and whether a server listens on one yet."""

import socket
import subprocess
import time
from contextlib import ExitStack


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Different ones: each is held until all are known."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [int(server.getsockname()[1]) for server in servers]


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(port: int, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until something listens. Fails where the server ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        if is_open(port):
            return
        time.sleep(0.05)
    raise AssertionError("The server did not start: see server.log.")
