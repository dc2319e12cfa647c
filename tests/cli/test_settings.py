"""A setting that can't be used ends every command with one sentence, Flask's own commands too."""

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from flask_oauth_gateway import ConfigurationError, OAuthGateway


@pytest.mark.parametrize("command", ["oauth client list", "oauth doctor", "routes", "run"])
@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("OAUTH_SCOPES", 3, "OAUTH_SCOPES is 3; it may be a dict of scope name to description."),
        (
            "OAUTH_JWT_ISSUERS",
            {"https://idp.example": {"kee": "x"}},
            "OAUTH_JWT_ISSUERS['https://idp.example'] has the unknown key 'kee'. Did you mean 'key'?",
        ),
    ],
)
def test_it_says_one_sentence(command: str, key: str, value: object, sentence: str) -> None:
    def create_app() -> Flask:
        app = Flask("weather")
        app.config.update(SECRET_KEY="k" * 32, OAUTH_SCOPES={"a": "A"}, OAUTH_GRANT_TYPES=["jwt_bearer"])
        app.config[key] = value
        OAuthGateway(app)
        return app

    said = CliRunner().invoke(FlaskGroup(create_app=create_app), command.split())
    assert said.exit_code == 1
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith(f"Error: {sentence}")
    with pytest.raises(ConfigurationError) as raised:  # a server that loads the app shows where
        create_app()
    assert isinstance(raised.value, ValueError)
    assert str(raised.value).startswith(sentence)
