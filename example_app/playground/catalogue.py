"""The flows to choose from; those that are needed most often come first."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    name: str  #: of the module in `example_app.flows`
    title: str
    who: str  #: who uses it
    about: str
    is_old: bool = False
    #: Whether there are two clients for it, one with opaque tokens and one with JWTs.
    has_jwt: bool = True


CATALOGUE = (
    Entry(
        "authorization_code",
        "Authorization code with PKCE",
        "Web apps, phone apps, single-page apps",
        "An app asks a user for access. The user signs in at the server, not at the app, reads who asks for what, and allows it.",
    ),
    Entry(
        "openid",
        "Sign-in with OpenID Connect",
        "Apps whose users sign in here: dashboards, wikis, partners' sites",
        "An app learns who its user is. It gets an ID token that the server signed, and checks it claim by claim.",
    ),
    Entry(
        "logout",
        "Sign-out with OpenID Connect",
        "Apps whose users sign in here",
        "A user signs out of one app, and so of the server and of every other app: each is told by the server itself.",
        has_jwt=False,
    ),
    Entry(
        "client_credentials",
        "Client credentials",
        "Programs without a user: servers, scripts, sensors",
        "A program shows its name and secret, and gets a token for itself. This is the shortest flow, and good to begin with.",
    ),
    Entry(
        "refresh_token",
        "Refresh token",
        "Apps that go on when the user has left",
        "An access token ends soon. A refresh token gets the next one, and shows the server when somebody has stolen it.",
    ),
    Entry(
        "tokeninfo",
        "Ask what a token is",
        "APIs that are handed tokens, and programs that hold one",
        "A token may tell nothing by itself. Its holder asks the server what it is, and so does the API, each in their own way.",
    ),
    Entry(
        "revoke",
        "Give a token back",
        "Programs that are done, and users who sign out",
        "A program gives back a token that it needs no more. From then on it opens nothing, for whoever has a copy.",
    ),
    Entry(
        "personal_token",
        "Personal access token",
        "People's own scripts",
        "A user makes a token for a script of their own, without any client. When it leaks, whoever finds it can have it ended.",
        has_jwt=False,
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
        "An identity provider signs a JWT that says who the user is. The app trades it for a token: no page, no password.",
        has_jwt=False,
    ),
    Entry(
        "saml2_bearer",
        "SAML bearer",
        "Programs that a company vouches for by SAML",
        "An identity provider signs XML that says who the user is. The app trades it for a token: no page, no password.",
        has_jwt=False,
    ),
    Entry(
        "mcp",
        "MCP server",
        "Assistants such as Claude, ChatGPT, VS Code and Cursor",
        "An assistant knows only the address of some tools. It finds out who gives tokens, asks the user, and calls them.",
        has_jwt=False,
    ),
    Entry(
        "client_id_metadata",
        "Client ID metadata document",
        "Programs that nobody here registered",
        "A program says who it is by a document at its own address, and that address is its name here. Nobody registers it.",
        has_jwt=False,
    ),
    Entry(
        "registration",
        "Dynamic registration",
        "Older programs that nobody here registered",
        "A program registers itself, asks the user, and removes its registration when the user removes the program.",
        has_jwt=False,
    ),
    Entry(
        "par",
        "Pushed authorization request",
        "Banks, health, whoever wants the request out of the browser's hands",
        "An app hands its request over directly, and the browser carries only its name. Nobody on the way can read or change it.",
        has_jwt=False,
    ),
    Entry(
        "jar",
        "Signed authorization request",
        "Banks, and apps whose requests pass through many hands",
        "An app signs what it asks for. The browser carries it, and nobody on the way can change a letter.",
        has_jwt=False,
    ),
    Entry(
        "jarm",
        "Signed authorization answer",
        "Apps that want to know whom an answer is from",
        "The server signs what the browser brings back: the code, or the error. The app checks it before it believes a word.",
        has_jwt=False,
    ),
    Entry(
        "rar",
        "Authorization details",
        "Payments, accounts, agents that may do one thing",
        "An app asks for one thing, said in detail: pay so much to whom. The user reads it, and the token is good for just that.",
        has_jwt=False,
    ),
    Entry(
        "dpop",
        "DPoP: a token bound to a key",
        "Apps whose tokens are worth stealing",
        "An app proves with each request that it has a key. A token that was stolen is of no use without it.",
    ),
    Entry(
        "mtls",
        "Mutual TLS",
        "Banks, and programs that talk to each other",
        "A program proves who it is by a certificate, and its token works only with it. No secret is sent at all.",
        has_jwt=False,
    ),
    Entry(
        "step_up",
        "Step-up",
        "Apps in which some things take more than a password",
        "A view asks for a stronger sign-in. The app sends the user back, and gets a token that says how they signed in.",
        has_jwt=False,
    ),
    Entry(
        "fapi2",
        "FAPI 2.0",
        "Banks, health, public services",
        "All of it together: a request that is handed over, an app that proves who it is by a key, a token that can't be stolen.",
        has_jwt=False,
    ),
    Entry(
        "implicit",
        "Implicit",
        "Old single-page apps",
        "The token comes straight to the browser, in the address, where it leaks easily. Use authorization code today.",
        is_old=True,
    ),
    Entry(
        "password",
        "Password",
        "Old apps of the server's own company",
        "The user tells the app their password, so the app could do anything with it. Use authorization code today.",
        is_old=True,
    ),
)
BY_NAME = {entry.name: entry for entry in CATALOGUE}
