"""A site that has everything which a page may have to show, and one that has nothing of it."""

import json
import time
from types import SimpleNamespace
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, update
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.pages.admin.overview import attention
from flask_oauth_gateway.pages.admin.overview import page as overview_page
from flask_oauth_gateway.stores.registered_client import DOCUMENT
from tests.pages.branches import Watched
from tests.support.app import build_app, server_of
from tests.support.idp import certificate_of, ec_key, metadata, pem, rsa_key
from tests.support.signing import Signer, claims_of
from tests.support.site import DEVICE_CODE, GRANT_TYPES, REDIRECT_URI, Page, Site, query
from tests.support.stranger import make_stranger

IDP, SAML = "https://idp.example", "https://idp.example/saml"
NOWHERE = "http://127.0.0.1:9/jwks"  # nobody listens there
LONG = "A name that goes on and on, " * 4
CROWD = 10_000
SCOPES: dict[str, Any] = {
    "weather:read": {"description": "Read the weather", "not": ["weather:write", "Turn the wind"]},
    "weather:write": "Change the weather",
    "plain": "",
}
DETAILS: list[dict[str, Any]] = [
    {
        "type": "payment",
        "instructedAmount": {"currency": "EUR", "value": "49.90"},
        "locations": ["https://bank.example"],
        "urgent": True,
        "shared_with_others": False,
        "note": None,
        "others": [],
        "creditor": "B\u00e4cker\u202eei <b>M\u00fcller</b>",
    },
    {"type": "https://example.com/bare"},
]
SIGNER, UNNAMED = Signer(), Signer("EdDSA", kid=None)

JWT_ISSUERS: dict[str, Any] = {
    IDP: {"jwks_uri": NOWHERE, "client_id": "full"},
    "https://unasked.example": {"jwks_uri": f"{NOWHERE}/2", "audience": ["https://a.example", "https://b.example"]},
    "https://set.example": {
        "jwks": {
            "keys": [
                SIGNER.jwk(),
                UNNAMED.jwk(),
                Signer("RS256", kid="r1").jwk(alg="PS256"),
                Signer("HS256", "h1").jwk(),
            ]
        },
        "scopes": ["weather:read", "plain"],
    },
    "https://pem.example": {"key": SIGNER.pem(), "scopes": []},
    "https://jwk.example": {"key": SIGNER.jwk()},
    "https://certified.example": {"key": SIGNER.certificate(until=90)},
    "https://expiring.example": {"key": SIGNER.certificate(until=20)},
    "https://expired.example": {"key": SIGNER.certificate(since=-9, until=-2)},
    "itself": {"jwks": SIGNER.jwks(), "client_id": "itself"},
}
SAML_ISSUERS: dict[str, Any] = {
    SAML: {
        "certificates": [
            pem(certificate_of(rsa_key(), until=90)),
            pem(certificate_of(ec_key(), until=20)),
            pem(certificate_of(rsa_key(1), since=-9, until=-2)),
        ],
        "allow_sha1": True,
    },
    "https://described.example": {
        "metadata": metadata(("https://described.example", "signing", certificate_of(ec_key(), until=90))),
        "audience": "https://us.example",
        "client_id": "full",
    },
}
TOKEN_ISSUERS: dict[str, Any] = {
    "https://keyed.example": {"key": SIGNER.certificate(until=90), "audience": "https://api.example"},
    "https://asked.example": {
        "introspection": "https://asked.example/introspect",
        "client_id": "ours-at-theirs",
        "client_secret": "ours at theirs",
        "audience": (),
    },
}
HARDENED: dict[str, Any] = {
    "OAUTH_PAR": True,
    "OAUTH_JAR": True,
    "OAUTH_REQUEST_URIS": True,
    "OAUTH_REQUEST_ENCRYPTION": True,
    "OAUTH_JARM": True,
    "OAUTH_AUTHORIZATION_DETAILS": {
        "payment": {"description": "Pay somebody"},
        "account": {},
        "https://example.com/bare": {},
    },
    "OAUTH_DPOP": True,
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": {"header": "X-Client-Cert", "format": "pem", "verified": ("X-Client-Verified", "yes")},
}
EVENTS: list[dict[str, Any]] = [
    {"event": "token_issued", "client_id": "c1", "subject": "s1", "address": "192.0.2.1", "details": {"scope": "x"}},
    {"event": "token_rejected", "outcome": "invalid_token"},
    {"event": "client_changed", "client_id": "c3", "actor": "root3", "address": "2001:db8::1", "details": {}},
    {"event": "key_changed", "details": ["a", {"b": None}]},
    {"event": "audit_trimmed", "details": "only a text \u202e turned"},
    {"event": "made_by_the_app", "outcome": "odd", "subject": "s" * 60, "details": {"München": 1.5, "<b>": "</code>"}},
]


class Rows(Site):
    """A site whose administrator `root` is signed in. `get`, `submit` and the steps below are what the table asks for."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        users = {
            "nameless": {"name": None},
            "mailed": {"name": "", "email": "m@example.com"},
            "carol": {"name": "Carol"},
            "maker": {"name": "Maker"},
            "stopped": {"name": "Stopped"},
        }
        for name, user in users.items():
            self.people[name] = SimpleNamespace(id=name, **user)  # type: ignore[assignment]
        self.people["root"] = SimpleNamespace(id="root", name="Root")  # type: ignore[assignment]
        self.gateway.is_admin(lambda user: user.id == "root")
        self.gateway.logout(lambda: None)
        self.gateway.login_details(lambda user: {"auth_time": int(time.time())} if user.id == "maker" else {})
        self.gateway.user_claims(lambda user, _: {"email": f"{user.id}@example.com"})
        self.person = "root"
        self.server = server_of(app)
        self.own: dict[str, str] = {}  # users' own apps, by the beginning of their names

    def register(self, **metadata: Any) -> Any:
        return super().register(**{"scope": [*SCOPES]} | metadata)

    def get(self, path: str, **parameters: Any) -> TestResponse:
        return self.browser.get(f"/oauth/{path}", query_string=parameters or None)

    def submit(self, path: str, form: dict[str, Any], **parameters: Any) -> TestResponse:
        """An administrator's form, with the token that the pages carry unless `form` has one."""
        token = Page(self.get("admin/clients/new?kind=other")).hidden("form_token")
        return self.browser.post(f"/oauth/{path}", data={"form_token": token, **form}, query_string=parameters)

    def consent(self, client: str, person: str = "alice", **parameters: Any) -> TestResponse:
        """The consent page of a client."""
        found = self.gateway.clients.get(client)
        wanted = {"redirect_uri": found.redirect_uris[0]} | parameters
        return self.as_person(person, lambda: self.browser.get("/oauth/authorize", query_string=query(found, **wanted)))

    def answered(self, person: str, response: TestResponse, accept: str = "*/*", **answers: Any) -> TestResponse:
        """What comes after a page's form, sent as it is, with every box ticked, but for the `answers`."""
        page = Page(response)
        data = {**dict(page.fields), "scope": [*page.boxes], **answers}
        post, headers = self.browser.post, {"Accept": accept}
        return self.as_person(person, lambda: post(page.action, data=data, headers=headers))

    def logout(self, person: str | None, *, post: bool = False, **parameters: Any) -> TestResponse:
        """The logout endpoint's answer, to a user or to nobody."""
        sent = {"data" if post else "query_string": parameters}
        method = "POST" if post else "GET"
        return self.as_person(person, lambda: self.browser.open("/oauth/logout", method=method, **sent))

    def device(self, person: str, decision: str | None = None) -> TestResponse:
        """The page that asks whether it is that device; with a `decision` the page after it."""
        client = self.gateway.clients.get("tv")
        form = {"client_id": client.client_id, "scope": "weather:read plain"}
        code = self.app.test_client().post("/oauth/device_authorization", data=form).get_json()["user_code"]
        page = self.answered(person, self.as_person(person, lambda: self.get("device")), user_code=code)
        return page if decision is None else self.answered(person, page, decision=decision)

    def personal_token(self, **answers: Any) -> TestResponse:
        """What comes after the form for a token of the user `maker`."""
        form = self.as_person("maker", lambda: self.get("tokens/new"))
        return self.answered("maker", form, **{"name": "A script", "expires": "30", "resource": "urn:notes", **answers})

    def as_person(self, person: str | None, do: Any) -> TestResponse:
        before, self.person = self.person, person
        try:
            answer: TestResponse = do()
        finally:
            self.person = before
        return answer


def app_of(folder: Any, **config: Any) -> Flask:
    app = build_app(
        instance_path=str(folder),
        OAUTH_DATABASE_URI=f"sqlite:///{folder / 'oauth.db'}",
        OAUTH_ADMIN=True,
        OAUTH_OIDC=True,
        OAUTH_PERSONAL_TOKENS=True,
        OAUTH_DEVELOPER=True,
        OAUTH_RATE_LIMITS=dict.fromkeys(("admin", "device", "device_codes", "personal_tokens"), "10000/minute"),
        OAUTH_GRANT_TYPES=[*GRANT_TYPES, "jwt_bearer", "saml2_bearer"],
        **config,
    )
    app.jinja_environment = Watched
    return app


def empty_site(folder: Any) -> Rows:
    """One client is registered, nothing else. There are more scopes than fit as boxes, and no secrets are taken."""
    site = Rows(
        app_of(
            folder,
            OAUTH_SCOPES={f"s{number}": "" for number in range(41)},
            OAUTH_DEVELOPER_SCOPES=[],
            OAUTH_CLIENT_AUTH_METHODS=["private_key_jwt", "none"],
            OAUTH_PERSONAL_TOKEN_MAX_LIFETIME=3600,
            OAUTH_SITE_NAME="Notes",
            OAUTH_SITE_LOGO="https://cdn.example/logo.svg",
        )
    )
    site.register_public(client_id="alone", client_name="Alone", scope="s1")
    return site


def full_site(folder: Any, scopes: dict[str, str] = SCOPES) -> Rows:
    # What is in the configuration no longer, but was when it was registered: it still has to be shown.
    earlier = app_of(folder, OAUTH_SCOPES={**SCOPES, "gone": ""}, OAUTH_PLANS={"old": {}, "gold": {}})
    old = earlier.extensions["oauth_gateway"]
    old.clients.create(client_id="outdated", plan="old", scope="gone plain", grant_types=["client_credentials"])
    old.applications.create("Outdated", application_id="outdated", plan="old")
    server_of(earlier).key_ring.rotate(publish_ahead=0)
    old.close()
    site = Rows(
        app_of(
            folder,
            SECRET_KEY="another one now",
            OAUTH_SCOPES=scopes,
            OAUTH_PLANS={"gold": {}},
            OAUTH_REQUIRED_SCOPES=["plain"],
            OAUTH_RESOURCES={"/notes": {"identifier": "urn:notes", "name": "Your notes"}},
            OAUTH_CONSENT_DURATIONS=["once", 3600, "always"],
            OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"],
            OAUTH_JWT_ISSUERS=JWT_ISSUERS,
            OAUTH_SAML_ISSUERS=SAML_ISSUERS,
            OAUTH_TRUSTED_TOKEN_ISSUERS=TOKEN_ISSUERS,
            OAUTH_DEVELOPER_APPROVAL=True,
            OAUTH_DEVELOPER_MAX=6,
            **HARDENED,
        )
    )
    for fill in (
        _applications,
        _clients,
        _approvals,
        _bound,
        _tokens,
        _personal,
        _crowd,
        _sessions,
        _keys,
        _trail,
        _own_apps,
    ):
        fill(site)
    return site


def _applications(site: Rows) -> None:
    create = site.gateway.applications.create
    attributes = {"city": "München", "<b>": [1]}
    create("Partner GmbH", application_id="partner", owner="ops", plan="gold", attributes=attributes)
    create("Waiting", application_id="waiting", status="pending")
    create(LONG, application_id="ended")
    site.gateway.applications.revoke("ended")
    create("Many clients", application_id="many")
    for number in range(51):
        site.gateway.clients.create(client_id=f"many{number:02}", application="many")
        create(f"One of many {number}")


def _clients(site: Rows) -> None:
    create, registry = site.register, site.gateway.clients
    create(
        client_id="full",
        client_name="Weather board",
        owner="Example Weather Ltd",
        application="partner",
        plan="gold",
        contacts=["a@example.com", "b@example.com"],
        default_scope=["weather:read"],
        attributes={"city": "München", "</pre>": "<script>"},
        access_token_format="jwt",
        access_token_lifetime=61,
        refresh_token_lifetime=62,
        resource_server=True,
        post_logout_redirect_uris=["https://weather.example/bye", "com.example.weather:/bye"],
        **{f"{name}_uri": f"https://weather.example/{name}" for name in ("client", "logo", "policy", "tos")},
    )
    registry.update("full", verified=True)
    registry.create(client_id="bare")
    create(
        client_id="bound",
        client_name="Bank",
        jwks=SIGNER.jwks(),
        request_object_signing_alg="ES256",
        request_uris=["https://bank.example/r1", "https://bank.example/r2"],
        authorization_details_types=["payment"],
        dpop_bound_access_tokens=True,
        tls_client_auth_san_dns="bank.example",
    )
    create(client_id="payer", client_name="Shop", authorization_details_types=[each["type"] for each in DETAILS])
    create(client_id="opaque", client_name="", skip_consent=True, access_token_format="opaque")
    create(client_id="long", client_name=LONG, owner="ops", tos_uri="https://weather.example/terms")
    create(client_id="off", client_name="Off")
    registry.update("off", enabled=False)
    create(client_id="waits", client_name="Waits", application="waiting")
    create(client_id="gone", client_name="Gone")
    create(
        client_id="https://app.example/c?x=1&y=<b>", client_name="Named by a URL", policy_uri="https://app.example/p"
    )
    key = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["jwt_bearer", "saml2_bearer"]}
    create(client_id="set", **key, redirect_uris=[], jwks=SIGNER.jwks())
    create(client_id="fetched", **key, redirect_uris=[], jwks_uri="https://app.example/jwks")
    create(client_id="pem", **key, redirect_uris=[], certificate=SIGNER.pem())
    create(client_id="certified", **key, redirect_uris=[], certificate=SIGNER.certificate())
    create(client_id="hmac", token_endpoint_auth_method="client_secret_jwt")
    create(client_id="bad-site", client_name="Bad site", client_uri="http://[::1]/")
    for name, uris in {
        "loopback": ["http://127.0.0.1/cb"],
        "ipv6": ["http://[::1]/cb"],
        "scheme": ["com.example.app:/cb"],
        "port": ["https://app.example:8443/cb"],
        "unscoped": ["https://app.example/cb"],
        "far": [f"https://app.example/{'far/' * 60}"],
    }.items():
        scope = "" if name == "unscoped" else [*SCOPES]
        site.register_public(client_id=name, client_name=name.title(), redirect_uris=uris, scope=scope)
    create(
        client_id="logo",
        client_name="Partner",
        scope=["openid", "email", *SCOPES],
        logo_uri="http://localhost/static/partner.png",
    )
    registry.update("logo", verified=True)
    mine = {"client_name": "Mine", "owner": "dave", "redirect_uris": ["http://127.0.0.1/cb"]}
    make_stranger(site.app, site.register_public(client_id="of-a-user", **mine), "developer")
    registry.update("of-a-user", verified=True)
    table = tables.client
    with site.server.database.transaction() as connection:
        connection.execute(update(table).where(table.c.client_id == "port").values(created_at=1_600_000_000))
    _strangers(site)
    site.register_public(client_id="tv", client_name="Television", redirect_uris=[], grant_types=[DEVICE_CODE])


def _approvals(site: Rows) -> None:
    """Approvals with and without a refresh token, remembered or not, of people with and without a name."""
    site.register(client_id="short", client_name="Short", grant_types=["authorization_code"])
    site.register(client_id="remembered", client_name="Remembered", scope="weather:read plain")
    for person, client, scopes, duration in (
        ("bob", "logo", "openid email", "always"),
        ("alice", "long", "weather:read", "always"),
        ("alice", "full", "weather:read plain", "always"),
        ("alice", "short", "weather:write", "3600"),
        ("bob", "full", "plain", "once"),
        ("nameless", "gone", "weather:read", "always"),
    ):
        found = site.gateway.clients.get(client)
        consent = site.consent(client, person, scope=f"{scopes} plain")
        code = site.answered(person, consent, decision="allow", duration=duration).headers["Location"]
        secret = site.gateway.clients.rotate_secret(client, 3600).client_secret
        assert "code=" in code
        site.redeem(found.with_secret(secret), code.partition("code=")[2].partition("&")[0])
    secret = tables.client_secret
    times = {"created_at": 60, "expires_at": 120, "last_used_at": 90}
    oldest = site.gateway.clients.get("full").secrets[0].id
    with site.server.database.transaction() as connection:
        connection.execute(update(secret).where(secret.c.id == oldest).values(hint="old!", **times))
    site.answered("alice", site.consent("unscoped", "alice", scope=None), decision="allow", duration="always")
    details = json.dumps(DETAILS)
    code = site.answered("carol", site.consent("payer", "carol", authorization_details=details), decision="allow")
    payer = site.gateway.clients.get("payer")
    secret = site.gateway.clients.rotate_secret("payer", 3600).client_secret
    site.redeem(payer.with_secret(secret), code.headers["Location"].partition("code=")[2].partition("&")[0])
    consent = site.consent("remembered", "alice", scope="plain")
    site.answered("alice", consent, decision="allow", duration="always")


def _bound(site: Rows) -> None:
    """An approval that is bound to a key, tokens that are bound to a key or a certificate, and a consent of a client of such."""
    site.answered("bob", site.consent("bound", "bob", scope="plain"), decision="allow", duration="always")
    site.gateway.tokens.issue("bound", subject="by-a-key")
    site.gateway.tokens.issue("bound", subject="by-a-certificate")
    token, approval, short = tables.access_token, tables.approval, site.gateway.clients.get("short")
    with site.server.database.transaction() as connection:
        for subject, member in (("by-a-key", "jkt"), ("by-a-certificate", "x5t#S256")):
            bound = {"cnf": {member: "k" * 43}}
            connection.execute(update(token).where(token.c.subject == subject).values(claims=bound))
        connection.execute(
            update(approval).where(approval.c.client == short.key).values(claims={"cnf": {"jkt": "k" * 43}})
        )


def _tokens(site: Rows) -> None:
    issue = site.gateway.tokens.issue
    site.register(client_id="tokens", client_name="Tokens")
    site.register(client_id="scopeless", client_name="Scopeless", scope="")
    issue("scopeless")
    issue("tokens", subject="with-attributes", attributes={"tier": "gold"})
    issue("gone", subject="of-a-deleted-client")
    issue("tokens", subject="s" * 60)
    table = tables.access_token
    for name, values in (("revoked", {"revoked_at": 60}), ("expired", {"expires_at": 60})):
        issue("tokens", subject=name)
        with site.server.database.transaction() as connection:
            connection.execute(update(table).where(table.c.subject == name).values(**values))
    site.register(client_id="stopped", client_name="Stopped")
    issue("stopped", subject="of-a-disabled-client")
    site.gateway.clients.update("stopped", enabled=False)
    site.gateway.clients.delete("gone")


def _personal(site: Rows) -> None:
    """Personal tokens: never used, used from a network and from nobody knows where, without a scope, of a client that is off."""
    for name in ("Not used", "N" * 70, "Used", "Asked about"):
        made = site.personal_token(name=name)  # not within the assertion: under -O there is none here
        assert made.status_code == 200
    table = tables.personal_token
    used = {"Used": "192.0.2.0/24", "Asked about": None}
    with site.server.database.transaction() as connection:
        for name, network in used.items():
            times = {"last_used_at": int(time.time()), "last_used_network": network}
            connection.execute(update(table).where(table.c.name == name).values(**times))
        token = tables.access_token
        unscoped = select(table.c.token_hash).where(table.c.name == "Asked about").scalar_subquery()
        connection.execute(update(token).where(token.c.token_hash == unscoped).values(scope="", audience=None))
        stopped = select(table.c.token_hash).where(table.c.name == "N" * 70).scalar_subquery()
        off = site.gateway.clients.get("stopped").key
        connection.execute(update(token).where(token.c.token_hash == stopped).values(client=off))


def _crowd(site: Rows) -> None:
    """A client with more of everything than is counted."""
    key, now = site.register(client_id="crowd", client_name="Crowd").key, int(time.time())
    both: dict[str, Any] = {"client": key, "scope": "plain", "subject": "crowd", "grant_type": "direct"}
    ends = {"expires_at": now + 9_000_000}
    numbers = [number.to_bytes(16) for number in range(CROWD)]
    consents = [{"client": key, "subject": n.hex(), "scope": "", "granted_at": now} for n in numbers]
    with site.server.database.transaction() as connection:
        families = [both | ends | {"id": n, "created_at": now} for n in numbers]
        tokens = [both | ends | {"token_hash": n * 2, "issued_at": now} for n in numbers]
        connection.execute(insert(tables.approval), families)
        connection.execute(insert(tables.access_token), tokens)
        connection.execute(insert(tables.consent), consents)


def _strangers(site: Rows) -> None:
    """Clients that nobody registered by hand: the first has all that it can say of itself, the second is on this machine."""
    links = {name: f"https://stranger.example/{name}" for name in ("client_uri", "policy_uri", "tos_uri")}
    document = "https://client.example/oauth/metadata.json"
    strangers = (
        make_stranger(
            site.app, site.register_public(client_id=document, client_name="Described", **links), DOCUMENT, 60
        ),
        make_stranger(
            site.app,
            site.register_public(
                client_id="itself",
                client_name="Localhost itself",
                redirect_uris=["http://localhost/cb"],
                policy_uri=NOWHERE,
            ),
        ),
    )
    for stranger in strangers:
        site.server.consents.remember("carol", stranger, ["plain"], ["plain"], None)


def _sessions(site: Rows) -> None:
    now, full, crowd = int(time.time()), *(site.gateway.clients.get(name) for name in ("full", "crowd"))
    of = [("alice", full), ("s" * 60, full), *((f"one of many {number}", crowd) for number in range(51))]
    rows = [
        {
            "sid": f"sid-{number:04}-that-is-long",
            "browser": number.to_bytes(32),
            "client": client.key,
            "subject": subject,
            "began_at": 60,
            "expires_at": now + 9_000_000 + number,
        }
        for number, (subject, client) in enumerate(of)
    ]
    times = {"created_at": 120, "give_up_at": now + 600, "next_try_at": 240}
    untold = [
        {"id": number.to_bytes(16), "client": key, "subject": subject, "sid": "sid", "tries": number, **times}
        for number, (subject, key) in enumerate([("alice", full.key), ("u" * 60, 10**6)], 3)
    ]
    with site.server.database.transaction() as connection:
        connection.execute(insert(tables.session), rows)
        connection.execute(insert(tables.logout), untold)


def _keys(site: Rows) -> None:
    ring = site.server.key_ring
    ring.rotate(publish_ahead=0)
    ring.retire(ring.rotate(publish_ahead=0).kid)
    ring.rotate(publish_ahead=0)
    ring.rotate()
    made, *_ = site.server.encryption_keys.published()
    ring.retire(made.kid)


def _trail(site: Rows) -> None:
    for number, entry in enumerate(EVENTS):
        site.server.audit.add({"at": 60 * number, "outcome": "ok", "subject": None, "actor": None} | entry)
    site.browser.post("/oauth/token", data={"grant_type": "password", "client_id": "nobody", "client_secret": "x"})
    # A key set that can't be had: this is noticed where it is needed, not where it is shown.
    assertion = SIGNER.sign(claims_of(IDP))
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    site.browser.post("/oauth/token", data={"grant_type": grant, "assertion": assertion})
    site.gateway.tokens.revoke(subject="revoked")


def refused_on_debug(site: Rows) -> TestResponse:
    """The error page while the app is being written: with what was wrong at length."""
    site.app.debug = True
    try:
        return site.get("authorize", client_id="nobody", redirect_uri=REDIRECT_URI)
    finally:
        site.app.debug = False


class Teapot(HTTPException):
    """An error without a word."""

    code = 418


def without_sign_out(site: Rows) -> TestResponse:
    """A page of the administrator's, where the app has nothing that ends its own session."""
    before, site.gateway.hooks.logout = site.gateway.hooks.logout, None
    try:
        return site.get("admin/keys")
    finally:
        site.gateway.hooks.logout = before


def overview_of(site: Rows, found: list[Any], *, is_all: bool = True) -> TestResponse:
    """The overview, as if the doctor had found this just now."""
    attention._examined[site.server] = (time.monotonic(), attention.Examined(found, is_all))
    try:
        return site.get("admin/")
    finally:
        del attention._examined[site.server]


def overview_that_is_slow(site: Rows) -> TestResponse:
    """The overview, where counting takes too long to do it all at once."""
    before, overview_page.COUNTING_SECONDS = overview_page.COUNTING_SECONDS, -1.0
    overview_page._settled.pop(site.server, None)
    try:
        return site.get("admin/")
    finally:
        overview_page.COUNTING_SECONDS = before


def done_at_once(site: Rows, page: str, **sent: Any) -> TestResponse:
    """What became of several, after the page that showed what would end. A client `doomed` is gone meanwhile."""
    shown = Page(site.submit(f"admin/{page}", sent))
    if site.gateway.clients.get("doomed") is not None:
        site.gateway.clients.delete("doomed")
    return site.browser.post(f"/oauth/admin/{page}", data={"preview": shown.hidden("preview")})


def doomed(site: Rows) -> TestResponse:
    site.register(client_id="doomed", client_name="Doomed")
    return done_at_once(site, "clients/bulk", action="revoke", client=["bare", "doomed"])


def found_by_token(site: Rows) -> TestResponse:
    """What a search finds for a token that is pasted."""
    token = site.gateway.tokens.issue("tokens", subject="pasted", scope="plain")["access_token"]
    return site.submit("admin/search", {"q": f"Bearer {token}"})


def refused_without_a_word(site: Rows) -> TestResponse:
    """The error page where the app says nothing of why."""

    def refuse(user: Any) -> bool:
        raise Teapot

    before, site.gateway.hooks.is_admin = site.gateway.hooks.is_admin, refuse
    try:
        return site.get("admin/")
    finally:
        site.gateway.hooks.is_admin = before


def _own_apps(site: Rows) -> None:
    """Apps of carol's, as many as she may have, in every state; and one of bob's. Their names are what the lines open."""
    with site.app.app_context():
        for kind, name in (
            ("web", "Waits"), ("machine", "Rejected"), ("browser", "Off by root"), ("native", LONG[:90].strip()),
            ("device", "Changed by root"), ("web", "Bob's"),
        ):  # fmt: skip
            uris = {"redirect_uris": [REDIRECT_URI]} if kind in ("web", "browser", "native") else {}
            more = {f"{each}_uri": f"https://own.example/{each}" for each in ("client", "logo", "policy", "tos")}
            more |= {
                "contacts": ["carol@own.example", "dave@own.example"],
                "post_logout_redirect_uris": ["https://own.example/bye"],
            }
            given = {"client_name": name, **uris, **(more if name == "Waits" else {})}
            owner = "bob" if name == "Bob's" else "carol"
            site.own[name[:9]] = site.server.user_apps.register(owner, kind, {"scope": "plain", **given}).client_id
        own = site.own
        site.own["Sixth"] = site.server.user_apps.register("carol", "machine", {"client_name": "Sixth"}).client_id
        site.server.user_apps.new_secret("carol", own["Waits"], 3600, expires_in=86400)
    site.gateway.applications.revoke(own["Rejected"])
    site.gateway.clients.update(own["Off by ro"], enabled=False)
    site.gateway.applications.approve(own["A name th"])
    site.gateway.clients.update(
        own["Changed b"], grant_types=["password"], scope="", redirect_uris=["com.example.app:/cb"]
    )
    secret = tables.client_secret
    first = site.gateway.clients.get(own["Waits"]).secrets[0].id
    with site.server.database.transaction() as connection:
        connection.execute(update(secret).where(secret.c.id == first).values(expires_at=120, last_used_at=90))
    now = int(time.time())
    for details in (
        {"reason": "wrong secret", "repeated": 2},
        {"reason": "odd"},
        {"reason": "a redirect", "got": "x:/y"},
    ):
        event = {"event": "client_rejected" if "repeated" in details else "request_refused", "at": now}
        site.server.audit.add({**event, "outcome": "x", "client_id": own["Waits"], "details": details})
