"""Another process in which programs register at its app, many at the same moment."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.other_process import Doing
from tests.support.registering import NATIVE, register


class Registering(Doing):
    """What it does with its app."""

    def register(self, token: str, times: int) -> list[int]:
        """Register so many clients at once; the statuses of the answers."""

        def once(_: int) -> int:
            return register(self.app.test_client(), token=token, **NATIVE).status_code

        with ThreadPoolExecutor(times) as pool:
            return [*pool.map(once, range(times))]
