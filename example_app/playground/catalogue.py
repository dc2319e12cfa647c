"""The flows to choose from, in the order of how often one needs them."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    name: str  #: of the module in `example_app.flows`
    title: str
    who: str  #: who takes it
    about: str
    is_old: bool = False
    #: Whether its client is there twice, once with opaque tokens and once with JWTs.
    has_jwt: bool = True


CATALOGUE = (
    Entry(
        "authorization_code",
        "Authorization code with PKCE",
        "Web apps, phone apps, single-page apps",
        "An app asks a user for access. They sign in at the server, not at the app, read who asks for what, and allow it.",
    ),
    Entry(
        "client_credentials",
        "Client credentials",
        "Programs without a user: servers, scripts, sensors",
        "A program shows its own name and secret, and gets a token of its own. The shortest flow, good to begin with.",
    ),
    Entry(
        "refresh_token",
        "Refresh token",
        "Apps that go on when the user has left",
        "An access token ends soon. A refresh token gets the next one, and shows the server when somebody has stolen it.",
    ),
    Entry(
        "device_code",
        "Device code",
        "Televisions, printers, command lines",
        "A device without a keyboard shows a short code. The user types it on their phone, and allows the device there.",
    ),
    Entry(
        "jwt_bearer",
        "JWT bearer",
        "Programs that a company already vouches for",
        "An identity provider signs who somebody is, as a JWT. The app trades that for a token: no page, no password.",
        has_jwt=False,
    ),
    Entry(
        "saml2_bearer",
        "SAML bearer",
        "The same, where the company speaks SAML",
        "An identity provider signs who somebody is, as XML. The app trades that for a token: no page, no password.",
        has_jwt=False,
    ),
    Entry(
        "implicit",
        "Implicit",
        "Old single-page apps",
        "The token comes straight to the browser, in the address. It is easily lost there: take authorization code today.",
        is_old=True,
    ),
    Entry(
        "password",
        "Password",
        "Old apps of the same house",
        "The user tells the app their password, so the app could do anything with it. Take authorization code today.",
        is_old=True,
    ),
)
BY_NAME = {entry.name: entry for entry in CATALOGUE}
