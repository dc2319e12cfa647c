"""What each field of a request or an answer means: what it is, who may know it, how long it is good."""

from __future__ import annotations

from typing import NamedTuple

ALL = "everybody"
CLIENT = "the client and the server"


class Field(NamedTuple):
    what: str
    who: str = ""
    until: str = ""
    is_secret: bool = False


#: The same names mean the same in requests, answers, addresses and JWTs.
FIELDS = {
    # what is sent
    "grant_type": Field("Which flow this is: by what right the client asks for a token.", ALL),
    "response_type": Field("What the browser shall bring back: a code, or (in the implicit flow) the token.", ALL),
    "client_id": Field("The client's name at this server.", ALL, "as long as the client is registered"),
    "redirect_uri": Field(
        "Where the server sends the browser when the user has decided. Only addresses that the client has registered count:"
        " else anybody could have codes sent to themselves.",
        ALL,
    ),
    "scope": Field("What the token may do, a word for each. The user reads it in plain language.", ALL),
    "state": Field(
        "A random text that the client makes up and gets back. So it knows its own answer from one that somebody slipped in.",
        "the client and this browser",
        "for this one request",
    ),
    "code_challenge": Field(
        "The SHA-256 of the verifier. It can be seen by all: nobody gets from it to the verifier.", ALL
    ),
    "code_challenge_method": Field("How the challenge was made: S256 is SHA-256.", ALL),
    "code_verifier": Field(
        "The secret behind the challenge. Only who made the request has it, so a stolen code is worth nothing.",
        "the client, and at the end the server",
        "for this one request",
        is_secret=True,
    ),
    "code": Field(
        "Stands for what the user allowed. The client trades it for the token, directly with the server.",
        "the client; the browser only carries it",
        "once, and 10 minutes here to leave time for reading; 1 minute is usual",
        is_secret=True,
    ),
    "username": Field("The user's name.", ALL),
    "password": Field(
        "The user's password. In every other flow the app never sees it.",
        "the user and the server, and here sadly the app",
        "until the user changes it",
        is_secret=True,
    ),
    "assertion": Field(
        "What the identity provider signed about the user.", CLIENT, "once, and for some minutes", is_secret=True
    ),
    "token": Field("The token that the question is about.", CLIENT, is_secret=True),
    "sky": Field("The weather itself: what all of this is for."),
    # what is answered
    "access_token": Field(
        "The token. Whoever holds it may do what it may do, like a key: nobody asks how they came by it.",
        "the client and the API; nobody else",
        "as long as expires_in says, or until it is revoked",
        is_secret=True,
    ),
    "token_type": Field("Bearer: it opens for whoever bears it."),
    "expires_in": Field("For how many seconds more it is good."),
    "refresh_token": Field(
        "Gets the next access token when this one has ended. It goes to the server alone, never to an API.",
        CLIENT,
        "once: each use gives a new one. An old one that comes again ends them all",
        is_secret=True,
    ),
    "iss": Field("The issuer: which server this comes from. A client that knows several mustn't confuse them."),
    "device_code": Field(
        "By this the device asks again and again.", "the device and the server", "as expires_in", is_secret=True
    ),
    "user_code": Field("The short code that the user types.", "the device and its user", "as expires_in, once"),
    "verification_uri": Field("The address that the user opens on their phone.", ALL),
    "verification_uri_complete": Field("The same with the code in it, for a QR code.", "the device and its user"),
    "interval": Field("How many seconds the device waits between two questions."),
    "error": Field("What is wrong, as a word that programs understand."),
    "error_description": Field("The same for people who write programs. It gives no secret away."),
    # what a token is
    "active": Field("Whether the token is good now. Of one that isn't, nothing more is said."),
    "user_id": Field("The user who allowed it; null where none takes part."),
    "sub": Field("The subject: the user, or where none takes part the client itself."),
    "subject": Field("The user that the token stands for."),
    "aud": Field("The audience: whom it is for. Others must refuse it."),
    "audience": Field("Whom it is for. Others must refuse it."),
    "exp": Field("When it ends, in seconds since 1970."),
    "iat": Field("When it was issued, in seconds since 1970."),
    "issued_at": Field("When it was issued, in seconds since 1970."),
    "jti": Field("The token's own number."),
    "typ": Field("What kind of JWT: at+jwt is an access token (RFC 9068), so none of another kind can pass for one."),
    "alg": Field("How it is signed. The one who checks decides which ways count, not the token."),
    "kid": Field("Which of the server's keys signed it. The public keys are at /oauth/jwks, for everybody."),
    "auth_time": Field("When the user signed in, in seconds since 1970."),
    "amr": Field("How the user signed in: pwd is by password."),
    "family": Field("What one approval gave: all of it ends together."),
    "client_only": Field("Whether the token is the client's own, and no user takes part."),
    "department": Field("An attribute that the identity provider gave along."),
    "for": Field("Which client asked."),
    "temperature": Field("The weather itself."),
    "name": Field("The user's name, which the API knows from the token's subject."),
    "client": Field("The client whose token this is."),
    "by": Field("In whose name it was reported."),
    # headers
    "Authorization: Basic": Field(
        "The client's name and secret, with a colon between them, in base64. That hides nothing: HTTPS does.",
        CLIENT,
        "until the secret is replaced",
        is_secret=True,
    ),
    "Authorization: Bearer": Field(
        "The access token, at the place where APIs look for it.", "the client and the API", is_secret=True
    ),
    "WWW-Authenticate": Field("How to get in: with a bearer token, and what was wrong with the one that came."),
    "Retry-After": Field("How many seconds to wait."),
    "Location": Field("Where the browser goes next."),
}
