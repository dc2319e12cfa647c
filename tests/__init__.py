import sys

# before anything imports it, so that its asserts explain themselves and count under `python -O`; processes that tests start
# have no pytest, and needn't load it
if "pytest" in sys.modules:
    sys.modules["pytest"].register_assert_rewrite("tests.support", "tests.docs.pages")
