"""The requests that bring a client its first token, as lines for a terminal and addresses for a browser."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from ...config.openid import OPENID
from ...crypto.hashing import new_secret
from ...features import ENDPOINTS, SENT_SECRET_METHODS
from ...features.grants import DEVICE_CODE

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client

_PLAIN = ":/._~-"  # what a form may hold as it is, beside letters and digits, so that the line can be read

#: What each request does. English texts, which pages translate.
ASK = "Ask for a token"
OPEN = "Open this address, sign in and allow it"
REDEEM = "The browser ends at the redirect URI, even where nothing answers there: take the code from its address, and put it in the place of CODE within a minute"  # noqa: E501
ASK_DEVICE = "Ask for a code"
ALLOW_DEVICE = "Open this address, type the user_code of the answer and allow it"
REDEEM_DEVICE = "Put the device_code of the answer in the place of DEVICE_CODE"
ASK_ABOUT = "Ask about a token"
#: Why there is no such request.
BY_KEY = "It proves who it is with a key: that takes a library, as no line of curl can sign."
BOUND = (
    "Its first request needs a signature, a proof or a certificate: that takes a library, as no line of curl can sign."
)
NO_GRANT = "Its grants need something from elsewhere for a first token, such as a partner's assertion."
SENTENCES = (ASK, OPEN, REDEEM, ASK_DEVICE, ALLOW_DEVICE, REDEEM_DEVICE, ASK_ABOUT, BY_KEY, BOUND, NO_GRANT)


class Step(NamedTuple):
    """One thing to do: what it does, and a line for a shell, or an address to open. Without either it says why there is none."""

    sentence: str
    line: str = ""
    is_address: bool = False


def urls_below(base: str) -> dict[str, str]:
    """The endpoints' URLs, below the issuer's with the prefix."""
    return {name: base + endpoint.path for name, endpoint in ENDPOINTS.items()}


def discovery_url(issuer: str, settings: Settings) -> str:
    """Where the server's metadata are: OpenID Connect's (Discovery section 4), else RFC 8414's (section 3.1)."""
    if settings.oidc:
        return f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"


def first_requests(client: Client, settings: Settings, urls: Mapping[str, str]) -> list[Step]:
    """What to do for a first token, by the first of the client's grants that is on.

    The lines hold the client's secret where the client has it in plain; where it hasn't, curl asks for it.
    """
    who = credentials(client, settings)
    grants = [name for name in client.grant_types if name in settings.grant_types]
    if who is None:
        return [Step(BY_KEY)]
    if grants and needs_more(client, settings, grants):
        return [Step(BOUND)]
    return list(_steps(client, grants, f"curl {who}", urls)) or [Step(NO_GRANT)]


def _steps(client: Client, grants: list[str], curl: str, urls: Mapping[str, str]) -> Iterator[Step]:
    at = {name: shlex.quote(url) for name, url in urls.items()}
    if "client_credentials" in grants:
        yield Step(ASK, f"{curl} -d grant_type=client_credentials {at['token']}")
    elif "authorization_code" in grants:
        yield from _with_a_browser(client, urls["authorize"], curl, at["token"])
    elif DEVICE_CODE in grants:
        yield Step(ASK_DEVICE, f"{curl} {at['device_authorization']}")
        yield Step(ALLOW_DEVICE, urls["device"], is_address=True)
        yield Step(REDEEM_DEVICE, f"{curl} -d grant_type={DEVICE_CODE} -d device_code=DEVICE_CODE {at['token']}")
    elif "password" in grants:
        yield Step(ASK, f"{curl} -d grant_type=password -d username=NAME -d password=PASSWORD {at['token']}")
    elif client.resource_server:
        yield Step(ASK_ABOUT, f"{curl} -d token=TOKEN {at['introspect']}")


def _with_a_browser(client: Client, authorize: str, curl: str, token: str) -> Iterator[Step]:
    """The authorization request, and how its code becomes a token (RFC 7636 section 4)."""
    verifier, uri = new_secret(""), client.redirect_uris[0]
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": uri,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    if OPENID in client.scope.split():
        asked["scope"] = client.scope  # nobody is signed in by a request that doesn't name openid
    sent = {"grant_type": "authorization_code", "redirect_uri": uri, "code_verifier": verifier}
    data = " ".join(f"-d {shlex.quote(f'{name}={quote(value, safe=_PLAIN)}')}" for name, value in sent.items())
    yield Step(OPEN, f"{authorize}?{urlencode(asked)}", is_address=True)
    yield Step(REDEEM, f"{curl} {data} -d code=CODE {token}")


def needs_more(client: Client, settings: Settings, grants: list[str]) -> bool:
    """Whether its first request comes with a proof or a certificate, or is pushed or signed ahead."""
    if client.dpop_bound_access_tokens or client.tls_client_certificate_bound_access_tokens:
        return True
    is_redirected = "client_credentials" not in grants and "authorization_code" in grants
    return settings.dpop == "required" or (
        is_redirected
        and (
            client.require_pushed_authorization_requests
            or client.require_signed_request_object
            or "required" in (settings.par, settings.jar)
        )
    )


def credentials(client: Client, settings: Settings) -> str | None:
    """How curl says who the client is; `None` where it proves that with a key. Both values are form-encoded (RFC 6749 2.3.1)."""
    name = quote(client.client_id, safe="")
    if client.is_public:
        return f"-d client_id={name}"
    if client.token_endpoint_auth_method not in SENT_SECRET_METHODS:
        return None
    secret = None if client.client_secret is None else quote(client.client_secret, safe="")
    if "client_secret_basic" in settings.client_auth_methods:
        return f"-u {name}" if secret is None else f"-u {shlex.quote(f'{name}:{secret}')}"
    return f"-d client_id={name} -d client_secret={'SECRET' if secret is None else secret}"
