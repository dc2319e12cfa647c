"""docs/going-to-production.md: nginx takes the configuration that stands there."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.services import NGINX

PAGE = Path(__file__).parents[2] / "docs" / "going-to-production.md"
pytestmark = pytest.mark.nginx


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    tmp_path.joinpath("privkey.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    tmp_path.joinpath("fullchain.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    [block] = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    site = block.replace("/etc/letsencrypt/live/weather.example", str(tmp_path))
    paths = "".join(f"{kind}_temp_path tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    tmp_path.joinpath("nginx.conf").write_text(f"pid nginx.pid; events {{}} http {{ access_log off;\n{paths}{site} }}")
    command = [str(NGINX), "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
