"""The demo's `SECRET_KEY`. It is made once, and kept in a file of the instance folder that only its owner may read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def secret_key_in(folder: str) -> str:
    """Return the key of this folder. If the key changed with every start, each start would end all sessions."""
    path = Path(folder, "secret_key")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        with suppress(FileExistsError):  # two processes at once: the first one's key counts
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()
