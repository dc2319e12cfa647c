"""Authlib's Flask integration as its documentation teaches it: Flask-SQLAlchemy models with Authlib's mixins and grants."""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.integrations.sqla_oauth2 import (
    OAuth2AuthorizationCodeMixin,
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_bearer_token_validator,
    create_query_client_func,
    create_revocation_endpoint,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge, create_s256_code_challenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from . import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, VERIFIER, standard_request

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
db = SQLAlchemy()
METHODS = ["client_secret_basic"]


class User(db.Model):  # type: ignore[name-defined,misc]
    id = db.Column(db.Integer, primary_key=True)

    def get_user_id(self) -> int:
        return int(self.id)


class Client(db.Model, OAuth2ClientMixin):  # type: ignore[name-defined,misc]
    __tablename__ = "oauth2_client"
    id = db.Column(db.Integer, primary_key=True)


class Code(db.Model, OAuth2AuthorizationCodeMixin):  # type: ignore[name-defined,misc]
    __tablename__ = "oauth2_code"
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))


class Token(db.Model, OAuth2TokenMixin):  # type: ignore[name-defined,misc]
    __tablename__ = "oauth2_token"
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"))


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        raise NotImplementedError("codes are seeded")

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        item = Code.query.filter_by(code=code, client_id=client.client_id).first()
        return item if item and not item.is_expired() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        db.session.delete(authorization_code)
        db.session.commit()

    def authenticate_user(self, authorization_code: Code) -> User | None:
        return db.session.get(User, authorization_code.user_id)


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token = Token.query.filter_by(refresh_token=refresh_token).first()
        return token if token and not token.is_revoked() else None

    def authenticate_user(self, refresh_token: Token) -> User | None:
        return db.session.get(User, refresh_token.user_id)

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.access_token_revoked_at = refresh_token.refresh_token_revoked_at = int(time.time())
        db.session.add(refresh_token)
        db.session.commit()


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        found = Token.query.filter_by(access_token=token_string).first()
        return found or Token.query.filter_by(refresh_token=token_string).first()

    def check_permission(self, token: Token, client: Client, request: Any) -> bool:
        return True

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": not token.is_expired() and not token.is_revoked(), "client_id": token.client_id,
            "token_type": token.token_type, "scope": token.get_scope(),
            "exp": token.issued_at + token.expires_in, "iat": token.issued_at,
        }  # fmt: skip


def make_app() -> Flask:
    app = Flask("authlib_app")
    app.config.update(
        SECRET_KEY="bench",
        SQLALCHEMY_DATABASE_URI=os.environ["BENCH_DATABASE"],
        OAUTH2_REFRESH_TOKEN_GENERATOR=True,
    )
    db.init_app(app)
    server = AuthorizationServer(
        app,
        query_client=create_query_client_func(db.session, Client),
        save_token=create_save_token_func(db.session, Token),
    )
    server.register_grant(grants.ClientCredentialsGrant)
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(create_revocation_endpoint(db.session, Token))
    server.register_endpoint(Introspection)
    protect = ResourceProtector()
    protect.register_token_validator(create_bearer_token_validator(db.session, Token)())

    @app.post("/oauth/token")
    def issue_token() -> Any:
        return server.create_token_response()

    @app.post("/oauth/revoke")
    def revoke_token() -> Any:
        return server.create_endpoint_response("revocation")

    @app.post("/oauth/introspect")
    def introspect_token() -> Any:
        return server.create_endpoint_response("introspection")

    @app.get("/api")
    @protect("read")
    def api() -> dict[str, str]:
        return {"for": current_token.client_id}

    return app


def prepare() -> None:
    app = make_app()
    with app.app_context():
        db.create_all()
        db.session.add(User(id=1))
        client = Client(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, client_id_issued_at=int(time.time()))
        client.set_client_metadata(
            {
                "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
                "redirect_uris": [REDIRECT_URI], "response_types": ["code"], "scope": "read",
                "token_endpoint_auth_method": "client_secret_basic",
            }
        )  # fmt: skip
        db.session.add(client)
        db.session.commit()


def seed(work: str, number: int) -> list[bytes]:
    if work == "token":
        return [standard_request(work, "")]
    values = [secrets.token_urlsafe(32) for _ in range(number)]
    now = int(time.time())
    with make_app().app_context():
        if work == "code":
            rows = [
                {
                    "code": value, "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "scope": "read", "user_id": 1,
                    "auth_time": now, "code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256",
                }
                for value in values
            ]  # fmt: skip
            db.session.execute(db.insert(Code), rows)
        else:
            rows = [
                {
                    "client_id": CLIENT_ID, "token_type": "Bearer", "scope": "read", "issued_at": now, "expires_in": 3600,
                    "access_token": secrets.token_urlsafe(32) if work == "refresh" else value,
                    "refresh_token": value if work == "refresh" else None, "user_id": 1,
                    "access_token_revoked_at": 0, "refresh_token_revoked_at": 0,
                }
                for value in values
            ]  # fmt: skip
            db.session.execute(db.insert(Token), rows)
        db.session.commit()
    return [standard_request(work, value) for value in values]
