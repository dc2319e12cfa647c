"""What the tests of Redis Sentinel and Cluster share: several servers on this machine, which end with the test."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.redis_server import RedisServer


class RedisSet:
    """Several servers. `frozen` ones are thawed before they are stopped."""

    servers: list[RedisServer]

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def freeze(self) -> None:
        """They all take connections, and answer nothing."""
        for server in self.servers:
            server.freeze()

    def thaw(self) -> None:
        for server in self.servers:
            server.thaw()


def until(found: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something. Fails where it doesn't come."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def certificate(folder: Path) -> dict[str, Path]:
    """The directives of a server at 127.0.0.1 that signs for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    made = made.add_extension(alternative, critical=True).add_extension(
        x509.BasicConstraints(True, None), critical=True
    )
    (folder / "cert.pem").write_bytes(made.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {
        "tls_cert_file": folder / "cert.pem",
        "tls_key_file": folder / "key.pem",
        "tls_ca_cert_file": folder / "cert.pem",
    }
