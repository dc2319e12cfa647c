from tests.support.command_line import flask_oauth  # noqa: F401, a fixture
