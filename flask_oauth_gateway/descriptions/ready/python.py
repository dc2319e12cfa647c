"""Python: Authlib and requests-oauthlib."""

from __future__ import annotations

from urllib.parse import urlsplit

from .about import SECRET, About, text


def authlib_flask(about: About) -> str:
    """Authlib's Flask client (https://docs.authlib.org/en/latest/client/flask.html)."""
    uri = urlsplit(about.uri)
    path = uri.path or "/"
    run, cookie = "# app.py: flask --env-file .env run, then open /login", ""
    if uri.scheme == "http":  # on one's own machine, where the server may be too
        port = f" --port {uri.port}" if uri.port else ""
        run = f"# app.py: flask --env-file .env run{port}, then open {uri.scheme}://{uri.netloc}/login"
        cookie = (
            'app.config["SESSION_COOKIE_NAME"] = "client"  # cookies ignore ports: another app here has a "session"\n'
        )
    method = "" if about.basic else '"token_endpoint_auth_method": "client_secret_post", '
    scope = f'"scope": {text(about.scope)}, ' if about.scope else ""
    answer = "oauth.site.userinfo(token=token)" if about.oidc else '{"scope": token["scope"]}'
    return f"""# pip install authlib flask requests python-dotenv
{run}
import os
from authlib.integrations.flask_client import OAuth
from flask import Flask

app = Flask(__name__)
app.secret_key = os.urandom(32)  # a fixed one, once there are several processes
{cookie}oauth = OAuth(app)
oauth.register(
    "site",
    client_id={text(about.client.client_id)},
    client_secret=os.environ["{SECRET}"],
    server_metadata_url={text(about.server)},
    client_kwargs={{{scope}{method}"code_challenge_method": "S256"}},
)

@app.get("/login")
def login():
    return oauth.site.authorize_redirect({text(about.uri)})

@app.get({text(path)})
def callback():
    token = oauth.site.authorize_access_token()
    return {answer}
"""


def authlib_session(about: About) -> str:
    """Authlib's session, of a program that opens the browser."""
    scope = f"    scope={text(about.scope)},\n" if about.scope else ""
    return f"""# pip install authlib requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

session = OAuth2Session(
    {text(about.client.client_id)},
    redirect_uri={text(about.uri)},
{scope}    token_endpoint_auth_method="none",
    code_challenge_method="S256",
)
verifier = generate_token(48)
url, state = session.create_authorization_url({text(about.urls["authorize"])}, code_verifier=verifier)
print("Open", url)
back = input("The address at which the browser ended: ")
token = session.fetch_token(
    {text(about.urls["token"])}, authorization_response=back, state=state, code_verifier=verifier
)
print(token["scope"], token["expires_in"])
"""


def authlib_machine(about: About) -> str:
    """Authlib's session, of a program that acts for itself."""
    method = "" if about.basic else ', token_endpoint_auth_method="client_secret_post"'
    scope = f", scope={text(about.scope)}" if about.scope else ""
    return f"""# pip install authlib requests
import os
from authlib.integrations.requests_client import OAuth2Session

session = OAuth2Session({text(about.client.client_id)}, os.environ["{SECRET}"]{scope}{method})
token = session.fetch_token({text(about.urls["token"])}, grant_type="client_credentials")
print(token["scope"], token["expires_in"])  # session.get("https://api…") sends the token
"""


def requests_oauthlib(about: About) -> str:
    """requests-oauthlib's session (https://requests-oauthlib.readthedocs.io/)."""
    given = "include_client_id=True" if about.client.is_public else f'client_secret=os.environ["{SECRET}"]'
    if not about.client.is_public and not about.basic:
        given += ", include_client_id=True"
    scope = f"scope={text(about.scope)}.split(), " if about.scope else ""
    return f"""# pip install requests-oauthlib
{_os(about, not about.client.is_public)}from requests_oauthlib import OAuth2Session

session = OAuth2Session(
    {text(about.client.client_id)}, redirect_uri={text(about.uri)}, {scope}pkce="S256"
)
url, state = session.authorization_url({text(about.urls["authorize"])})
print("Open", url)
back = input("The address at which the browser ended: ")
token = session.fetch_token({text(about.urls["token"])}, authorization_response=back, {given})
print(token["scope"], token["expires_in"])
"""


def requests_oauthlib_machine(about: About) -> str:
    """requests-oauthlib's session, of a program that acts for itself."""
    scope = f", scope={text(about.scope)}.split()" if about.scope else ""
    given = "" if about.basic else ", include_client_id=True"
    return f"""# pip install requests-oauthlib
{_os(about, True)}from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

session = OAuth2Session(client=BackendApplicationClient({text(about.client.client_id)}{scope}))
token = session.fetch_token({text(about.urls["token"])}, client_secret=os.environ["{SECRET}"]{given})
print(token["scope"], token["expires_in"])  # session.get("https://api…") sends the token
"""


def _os(about: About, has_secret: bool) -> str:
    """What oauthlib, which knows no loopback, has to be told; and the module that a secret comes from."""
    told = 'os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, on this machine alone\n'
    return ("import os\n" if has_secret or about.is_plain else "") + (told if about.is_plain else "")
