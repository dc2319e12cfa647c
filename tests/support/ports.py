"""Ports of this machine: free ones, and whether a server listens on one yet."""

import secrets
import socket
import subprocess
import time
from contextlib import ExitStack

#: Below those that the kernel gives to whoever asks for any: no other test's server gets one of these before it is used.
LOWEST, HIGHEST = 15_000, 32_000


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Different ones: each is held until all are known."""
    with ExitStack() as held:
        servers = [held.enter_context(_held()) for _ in range(number)]
        return [int(server.getsockname()[1]) for server in servers]


def _held() -> socket.socket:
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)  # forks would choose the same ones by `random`
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue


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
