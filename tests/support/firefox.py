"""Firefox, as Debian ships it, driven by its own protocol, Marionette: lines of JSON with their length before them.

Playwright drives only a Firefox that it has built itself.
"""

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 90  # seconds, on a busy machine


class Firefox:
    """A Firefox without a window, with a profile of its own in `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder.mkdir(exist_ok=True)
        preferences = {"marionette.port": port, "app.update.auto": False, "browser.shell.checkDefaultBrowser": False}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        folder.joinpath("user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [program, "--headless", "--no-remote", "--marionette", "--profile", str(folder)]
        environment = {"HOME": str(folder), "MOZ_HEADLESS": "1", "PATH": "/usr/bin:/bin"}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = self._connected(port)
        self._stream = self._socket.makefile("rwb")
        self._read()  # who it is
        self._number = 0
        self.send("WebDriver:NewSession", capabilities={})
        self.send("WebDriver:SetTimeouts", script=1000 * PATIENCE)

    def _connected(self, port: int) -> socket.socket:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), PATIENCE)
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self._process.kill()
                    raise
                time.sleep(0.05)

    def _read(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            assert digit, "Firefox is gone."
            length += digit
        return json.loads(self._stream.read(int(length)))

    def send(self, command: str, **parameters: Any) -> Any:
        """What it answers to a command of WebDriver."""
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._stream.write(b"%d:%s" % (len(message), message))
        self._stream.flush()
        _, _, error, result = self._read()
        assert error is None, error
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function returns in the page."""
        return self.send("WebDriver:ExecuteScript", script=script, args=list(arguments), sandbox=None)

    def visit(self, url: str) -> None:
        self.send("WebDriver:Navigate", url=url)

    def fill(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.send("WebDriver:ElementClear", id=self._find(selector))
        self.send("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def press(self, selector: str) -> None:
        """Click, and wait for the page that comes of it."""
        self.send("WebDriver:ElementClick", id=self._find(selector))

    def wait_for_address(self, pattern: str) -> None:
        self._wait(lambda: re.match(pattern, self.send("WebDriver:GetCurrentURL")))

    def wait_for_text(self, text: str) -> None:
        self._wait(lambda: text in self.run("return document.body.innerText"))

    def _find(self, selector: str) -> str:
        found: list[Any] = []

        def look() -> Any:
            found[:] = self.send("WebDriver:FindElements", using="css selector", value=selector)
            return found

        self._wait(look)
        return str(next(iter(found[0].values())))

    def _wait(self, is_there: Callable[[], Any]) -> None:
        until = time.monotonic() + PATIENCE
        while not is_there():
            assert time.monotonic() < until, self.run("return location + ': ' + document.body.innerText")
            time.sleep(0.02)

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
