import pytest

# before anything imports it, so that its asserts explain themselves and count under `python -O`
pytest.register_assert_rewrite("tests.support", "tests.docs.pages")
