"""Apache with Debian's mod_auth_openidc in front of a site: alice signs in by the provider, and is signed out by it too."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.fronts import running
from tests.support.ports import free_port
from tests.support.services import APACHE, APACHE_MODULES
from tests.support.serving import Server, Walker

pytestmark = pytest.mark.apache
MODULES = ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc")
CONFIGURATION = """
ServerRoot {folder}
PidFile httpd.pid
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
{modules}
{user}
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://127.0.0.1:{port}/callback
OIDCCryptoPassphrase "a passphrase of Apache's own"
OIDCScope "openid email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
<Location />
  AuthType openid-connect
  Require valid-user
  ErrorDocument 404 "This is the old site. You are %{{REMOTE_USER}}, in the session %{{reqenv:OIDC_CLAIM_sid}}."
</Location>
<Location /bye>
  AuthType none
  Require all granted
  ErrorDocument 404 "You are signed out of the old site."
</Location>
"""


class Site:
    """The site behind Apache, and the client that it is."""

    def __init__(self, url: str, client: Client) -> None:
        self.url = url
        self.client = client


@pytest.fixture
def site(provider: Server, tmp_path: Path) -> Iterator[Site]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    client = provider.register(
        "authorization_code",
        scope="openid email",
        redirect_uris=[f"{url}/callback"],
        post_logout_redirect_uris=[f"{url}/bye"],
        backchannel_logout_uri=f"{url}/callback?logout=backchannel",
        backchannel_logout_session_required=True,
    )
    folder = tmp_path / "apache"
    folder.mkdir()
    configuration = CONFIGURATION.format(
        folder=folder,
        port=port,
        modules="\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in MODULES),
        user="User www-data\nGroup www-data" if os.getuid() == 0 else "",
        issuer=provider.url,
        client_id=client.client_id,
        client_secret=client.client_secret,
    )
    folder.joinpath("apache.conf").write_text(configuration, encoding="utf-8")
    with running([str(APACHE), "-D", "FOREGROUND", "-f", str(folder / "apache.conf")], folder, port):
        yield Site(url, client)


def session_at(site: Site, alice: Walker) -> str | None:
    """The `sid` of alice's session at the site; `None` where she would have to sign in."""
    answer = alice.browser.get(f"{site.url}/page", allow_redirects=False)
    found = re.search(r"You are alice@example.com, in the session ([\w-]+)\.", answer.text)
    assert (answer.status_code, found is None) in ((404, False), (302, True)), answer.text
    return None if found is None else found[1]


def test_signed_out_at_the_provider_alice_is_signed_out_of_the_site(
    site: Site, provider: Server, alice: Walker
) -> None:
    assert "You are alice@example.com" in alice.browse(f"{site.url}/page").text
    assert session_at(site, alice) is not None
    alice.sign_out(provider.url)
    until = time.monotonic() + 60
    while session_at(site, alice) is not None:
        assert time.monotonic() < until, "Apache was not told"
        time.sleep(0.05)


def test_signed_out_at_the_site_alice_is_signed_out_by_the_provider_without_a_question(
    site: Site, provider: Server, alice: Walker
) -> None:
    alice.browse(f"{site.url}/page")
    answer = alice.browser.get(f"{site.url}/callback", params={"logout": f"{site.url}/bye"})
    assert (answer.url, answer.text) == (f"{site.url}/bye", "You are signed out of the old site.")
    assert [urlsplit(each.url).path for each in answer.history] == ["/callback", "/oauth/logout"]
    assert session_at(site, alice) is None
    assert 'name="password"' in alice.browser.get(f"{site.url}/page").text, "the provider asks who it is"
