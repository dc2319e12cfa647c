"""Clients that say who they are in a document at their `client_id`, on an https server of this machine."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from flask_oauth_gateway.crypto import fetching
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.key_server import KeyServer, key_server
from tests.support.redis_sets import certificate
from tests.support.site import REDIRECT_URI

ON = {"OAUTH_CLIENT_ID_METADATA": True}


class DocumentServer:
    """The server of documents. `client` is one to ask for things with, as its document says."""

    def __init__(self, server: KeyServer) -> None:
        self.server = server
        server.headers = {"Content-Type": "application/json"}

    def url(self, path: str = "/client.json") -> str:
        return f"https://127.0.0.1:{self.server.port}{path}"

    def publish(self, path: str = "/client.json", **metadata: Any) -> Client:
        """Put a document at a path; a member that is `None` is left out."""
        said = {"client_id": self.url(path), "client_name": "Notes", "redirect_uris": [REDIRECT_URI], **metadata}
        said = {name: value for name, value in said.items() if value is not None}
        self.server.places[path] = said
        return named(self.url(path))

    def fetched(self, path: str = "/client.json") -> int:
        """How often a document was fetched."""
        return self.server.requests.count(path)


def named(client_id: str) -> Client:
    """What a program knows of itself: its name."""
    return Client(key=0, client_id=client_id, version=0, enabled=True, owner=None, created_at=0, updated_at=0)


@contextmanager
def document_server(folder: Path) -> Iterator[DocumentServer]:
    """A server whose certificate this process believes, as long as the block runs."""
    files = certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files["tls_cert_file"], files["tls_key_file"])
    believes = {"SSL_CERT_FILE": str(files["tls_ca_cert_file"])}
    with mock.patch.dict("os.environ", believes), key_server(tls) as server:
        fetching._tls_of.cache_clear()
        try:
            yield DocumentServer(server)
        finally:
            fetching._tls_of.cache_clear()
