"""The meaning of each field of a request or an answer: what it is, who may know it, and how long it is good."""

from __future__ import annotations

from typing import NamedTuple

ALL = "everybody"
CLIENT = "the client and the server"


class Field(NamedTuple):
    what: str
    who: str = ""
    until: str = ""
    is_secret: bool = False


#: By name: a name means the same in requests, answers, addresses and JWTs.
FIELDS = {
    # in requests
    "grant_type": Field("The grant: which flow this is.", ALL),
    "response_type": Field("What the browser is to bring back: a code, or (in the implicit flow) the token.", ALL),
    "client_id": Field("The client's name at this server.", ALL, "as long as the client is registered"),
    "redirect_uri": Field(
        "Where the server sends the browser when the user has decided. Only addresses that the client has registered count:"
        " otherwise anybody could have codes sent to themselves.",
        ALL,
    ),
    "scope": Field("What the token may do, in one word for each thing. The user reads it in plain language.", ALL),
    "state": Field(
        "A random text that the client makes up and gets back. So it can tell the answer to its own request from a forged one.",
        "the client and this browser",
        "for this one request",
    ),
    "code_challenge": Field(
        "The SHA-256 of the verifier. Everybody may see it: nobody can compute the verifier from it.", ALL
    ),
    "code_challenge_method": Field("How the challenge was made: S256 is SHA-256.", ALL),
    "code_verifier": Field(
        "The secret behind the challenge. Only the client that made the request has it, so a stolen code is worth nothing.",
        "the client, and at the end the server",
        "for this one request",
        is_secret=True,
    ),
    "code": Field(
        "Stands for what the user allowed. The client trades it for the token, directly with the server.",
        "the client; the browser only carries it",
        "one use, within 10 minutes here, to leave time for reading; 1 minute is usual",
        is_secret=True,
    ),
    "username": Field("The user's name.", ALL),
    "password": Field(
        "The user's password. In every other flow the app never sees it.",
        "the user and the server, and here sadly the app",
        "until the user changes it",
        is_secret=True,
    ),
    "nonce": Field(
        "A random text that the client makes up and finds again in the ID token. So it can tell its own user's ID token from"
        " one that somebody slipped in.",
        "the client, this browser and the server",
        "for this one sign-in",
    ),
    "claims": Field(
        "Claims that the client asks for by name: for the ID token here, or for the userinfo endpoint. The user reads which"
        " go beyond the scopes, and may refuse each. An essential one is needed; null is nice to have.",
        ALL,
    ),
    "assertion": Field(
        "What the identity provider signed about the user.", CLIENT, "one use, within some minutes", is_secret=True
    ),
    "token": Field("The token that the request asks about.", CLIENT, is_secret=True),
    "sky": Field("The weather itself, which the token gives access to."),
    # of requests and tokens that are protected
    "request_uri": Field(
        "The name of a request that the server has already. It stands for all of it, whatever else the browser brings.",
        "the client; the browser only carries it",
        "one answer, within expires_in seconds",
    ),
    "request": Field("The whole request, signed by the app. What is inside counts, whatever stands beside it.", ALL),
    "response": Field("The whole answer, signed by the server. Nothing stands beside it."),
    "response_mode": Field("How the answer comes: jwt is a signed one.", ALL),
    "authorization_details": Field(
        "What the app asks for, or got, in detail. The user reads it; the API compares it.", ALL
    ),
    "type": Field("Which kind it is, of a detail, or of a token that was found: the server knows what belongs to it."),
    "url": Field("Where the token was found."),
    "received": Field("How many reports have come. Whether there was such a token, nobody is told."),
    "amount": Field("How much."),
    "creditor": Field("To whom it is paid."),
    "account": Field("From which account it is paid: the server has added it."),
    "value": Field("What the app would like to pay."),
    "paid": Field("What was paid."),
    "client_assertion": Field(
        "Says who the app is, signed with its key. It is for this server alone.", CLIENT, "one use, 5 minutes"
    ),
    "client_assertion_type": Field("How the app proves who it is: by a JWT.", ALL),
    "csr": Field("A request for a certificate, signed with the key that it is for.", ALL),
    "certificate": Field("What the authority has signed: whose key it is. It is no secret.", ALL, "a day, here"),
    "X-SSL-Client-Cert": Field(
        "The certificate, as nginx hands it on. From anywhere but this machine it would not count.", ALL
    ),
    "X-SSL-Client-Verify": Field("What nginx found when it checked the certificate."),
    "jwks": Field("The public half of the app's key, which checks what the app signs.", ALL),
    "request_object_signing_alg": Field(
        "How the app signs its requests. No other way counts, and none least of all.", ALL
    ),
    "require_signed_request_object": Field("Whether a request of this app counts only if it is signed.", ALL),
    "require_pushed_authorization_requests": Field("Whether this app must hand its requests over first.", ALL),
    "dpop_bound_access_tokens": Field("Whether each token of this app is bound to a key.", ALL),
    "tls_client_certificate_bound_access_tokens": Field(
        "Whether each token of this program is bound to its certificate.", ALL
    ),
    "tls_client_auth_san_dns": Field("The name in the certificate by which the program is known.", ALL),
    "authorization_details_types_supported": Field("What may be asked for in detail.", ALL),
    "authorization_details_types": Field("Of what the app may ask in detail.", ALL),
    "dpop_signing_alg_values_supported": Field("With which algorithms proofs may be signed.", ALL),
    "dpop_bound_access_tokens_required": Field("Whether only tokens that are bound to a key are taken.", ALL),
    "dpop_jkt": Field("The thumbprint of the client's key: the code is then of no use without this key.", ALL),
    "jwk": Field("The public half of the client's key, by which everybody can check the signature."),
    "htm": Field("The method of the one request that the proof is for."),
    "htu": Field("The address of the one request that the proof is for."),
    "ath": Field("The hash of the access token that goes along: the proof is for no other."),
    "cnf": Field("What the token is bound to: jkt is the thumbprint of a key, x5t#S256 the hash of a certificate."),
    "acr_values": Field(
        "How strongly the user is to sign in. What the server can't have, it says; it never gives less.", ALL
    ),
    "acr": Field("How strongly the user signed in: here by a password, or with a code too."),
    "restarted": Field("Whether the station is restarted."),
    # in answers
    "access_token": Field(
        "The token. It works like a key: anybody who holds it can use it, and nobody asks how they got it.",
        "the client and the API; nobody else",
        "as long as expires_in says, or until it is revoked",
        is_secret=True,
    ),
    "token_type": Field("Bearer: the token works for anybody who holds it. DPoP: only with a proof of the key."),
    "expires_in": Field("How many more seconds the token is good for."),
    "refresh_token": Field(
        "Gets the next access token when this one has ended. It is sent only to the server, never to an API.",
        CLIENT,
        "one use: each use gives a new one. Using an old one again ends them all",
        is_secret=True,
    ),
    "id_token_hint": Field(
        "The ID token of the sign-in that is to end. It shows that the request comes from the app, and which session it is.",
        CLIENT,
        "also when it has expired",
    ),
    "post_logout_redirect_uri": Field(
        "Where the browser goes afterwards: only to an address that the client has registered for this, letter by letter.",
        ALL,
    ),
    "prompt": Field("none: show no page, and say at once if that can't be. So an app asks quietly.", ALL),
    "sid": Field(
        "The session: this user in this browser, at this client. Another client has another one.",
        "the client and the server",
    ),
    "logout_token": Field(
        "What the server says when a session has ended, signed. The app believes it once it has checked all of it.",
        CLIENT,
        "one use, within 2 minutes",
    ),
    "events": Field("What has happened: a logout. So no other JWT of this server passes for a logout token."),
    "id_token": Field(
        "Who the user is, and how they signed in, signed by the server. It is a message to the client, no key: no API takes it.",
        CLIENT,
        "the moment in which the client checks it",
    ),
    "iss": Field(
        "The issuer: the server that this comes from. A client that knows several servers mustn't confuse them."
    ),
    "device_code": Field(
        "The device sends this each time it asks.",
        "the device and the server",
        "as long as expires_in says",
        is_secret=True,
    ),
    "user_code": Field(
        "The short code that the user types.", "the device and its user", "one use, as long as expires_in says"
    ),
    "verification_uri": Field("The address that the user opens on their phone.", ALL),
    "verification_uri_complete": Field(
        "That address with the user's code in it, for a QR code.", "the device and its user"
    ),
    "interval": Field("How many seconds the device waits between two questions."),
    # where the server has what
    "issuer": Field("The server's own name. It must be the address that was asked, letter by letter.", ALL),
    "authorization_endpoint": Field("Where the client sends the user's browser.", ALL),
    "token_endpoint": Field("Where the client trades a code for tokens.", ALL),
    "userinfo_endpoint": Field("Where the client asks who the user is, with the access token.", ALL),
    "end_session_endpoint": Field("Where the client sends the browser of a user who signs out.", ALL),
    "jwks_uri": Field("Where the server's public keys are.", ALL),
    "keys": Field(
        "The server's public keys. They check what the server signed, and can't sign. Each has its name, the kid.", ALL
    ),
    "error": Field("What is wrong, as a word that programs understand."),
    "error_description": Field("The error in words, for people who write programs. It gives no secret away."),
    # in tokens, and in answers about them
    "active": Field("Whether the token is good now. If it isn't, the server says nothing more."),
    "user_id": Field("The user who allowed it; null if no user takes part."),
    "sub": Field("The subject: the user, or the client itself if no user takes part."),
    "subject": Field("The user that the token stands for."),
    "aud": Field(
        "The audience: the APIs that an access token is for, the client of an ID token. All others must refuse it."
    ),
    "audience": Field("The APIs that the token is for. All others must refuse it."),
    "exp": Field("When it ends, in seconds since 1970."),
    "iat": Field("When it was issued, in seconds since 1970."),
    "issued_at": Field("When it was issued, in seconds since 1970."),
    "jti": Field("Its own number, by which the server knows what it has seen before."),
    "typ": Field(
        "The kind of JWT: at+jwt is an access token (RFC 9068), dpop+jwt a proof, logout+jwt a logout token. So none passes"
        " for another."
    ),
    "alg": Field("How it is signed. The server that checks the token decides which algorithms count, not the token."),
    "at_hash": Field("Half of the access token's SHA-256: it binds the ID token to the access token beside it."),
    "kid": Field("Which of the server's keys signed it. Everybody can read the public keys at /oauth/jwks."),
    "auth_time": Field("When the user signed in, in seconds since 1970."),
    "amr": Field("How the user signed in: pwd is by password, otp by a code."),
    "family": Field("The approval that the token comes from: all its tokens end together."),
    "client_only": Field("Whether the token is the client's own, without a user."),
    "department": Field("An attribute from the identity provider."),
    "for": Field("Which client asked."),
    "temperature": Field("The weather itself."),
    "name": Field("The user's name."),
    "given_name": Field("The user's first name."),
    "family_name": Field("The user's last name."),
    "preferred_username": Field("The name by which the user wants to be called here. It may change; sub never does."),
    "locale": Field("The user's language."),
    "email": Field("The user's email address. It may change hands; sub never does."),
    "email_verified": Field("Whether the server has seen that the address is the user's."),
    "client": Field("The client whose token this is."),
    "by": Field("The user in whose name the weather was reported."),
    # of programs that nobody registered by hand
    "registration_endpoint": Field("Where programs register themselves.", ALL),
    "client_id_metadata_document_supported": Field("Whether a client_id may be the address of a document.", ALL),
    "client_name": Field("What the program calls itself. Nobody has checked it, and the user is told so.", ALL),
    "redirect_uris": Field("The addresses to which codes may go. On this machine the port is free.", ALL),
    "grant_types": Field("The flows that the program may use.", ALL),
    "response_types": Field("What browsers may bring back to it.", ALL),
    "token_endpoint_auth_method": Field(
        "How it proves who it is; none: it has no secret, as it couldn't keep one.", ALL
    ),
    "color": Field("A member that this server doesn't know. It passes it over."),
    "application_type": Field("Whether it says that it is a web app, which is what counts where it says nothing.", ALL),
    "subject_type": Field("Whether every app has the same name for a user (public), or each one of its own.", ALL),
    "id_token_signed_response_alg": Field("How this server signs what it says of the user to this program.", ALL),
    "client_id_issued_at": Field("When it was registered, in seconds since 1970."),
    "registration_client_uri": Field("Where the program looks after its registration."),
    "registration_access_token": Field(
        "Opens the program's own registration, and nothing else.",
        CLIENT,
        "as long as the client is registered",
        is_secret=True,
    ),
    "resource": Field("The API that the token is to be for. Nothing else takes it then.", ALL),
    "authorization_servers": Field("Who gives tokens for this resource.", ALL),
    "scopes_supported": Field("The scopes that there are for it.", ALL),
    "bearer_methods_supported": Field("Where a request may carry its token.", ALL),
    "jsonrpc": Field("The version of JSON-RPC, in which MCP speaks."),
    "id": Field("The number of the request. Its answer has the same."),
    "method": Field("What the MCP server is to do."),
    "params": Field("What that takes, and which version of the protocol the program speaks: there are no sessions."),
    "result": Field("What the MCP server answers."),
    # headers
    "Authorization: Basic": Field(
        "The client's name and secret, with a colon between them, in base64. That hides nothing: HTTPS does.",
        CLIENT,
        "until the secret is replaced",
        is_secret=True,
    ),
    "Authorization: Bearer": Field(
        "The access token, in the header in which APIs expect it.", "the client and the API", is_secret=True
    ),
    "Authorization: DPoP": Field(
        "The access token, which is bound to a key: it is good only with the proof beside it.",
        "the client and the API",
        is_secret=True,
    ),
    "DPoP": Field("The proof: made for this one request, and signed with the client's key.", ALL, "one use"),
    "WWW-Authenticate": Field(
        "The challenge: it asks for a bearer token, and says what was wrong with the one that came."
    ),
    "Retry-After": Field("How many seconds to wait."),
    "Location": Field("Where the browser goes next."),
}
