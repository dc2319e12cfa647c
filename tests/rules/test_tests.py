"""The tests' own house: what tests share stands in tests/support, and no test reaches into another test's file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import flask_oauth_gateway
from tests.support.sources import imports_of

ROOT = Path(__file__).parents[1]
FILES = {str(path.relative_to(ROOT)): path for path in sorted(ROOT.rglob("*.py")) if "node_modules" not in path.parts}
PACKAGE = Path(flask_oauth_gateway.__file__).parent
#: Folders that are not the package's: what holds for everything, whole stories, and what stands beside the package.
OWN = {
    "bench", "bound_tokens", "details", "docs", "dpop", "engines", "example_app", "fapi", "flows", "mcp",
    "metadata_documents", "mtls",
    "pushed", "registration", "rules", "signed_requests", "step_up", "support",
}  # fmt: skip


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, wherever in it, or lets another process import by its name."""
    for node in imports_of(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))


def test_no_test_imports_from_another_test_s_file() -> None:
    tests = [
        (name, each)
        for name, path in FILES.items()
        for each in imported(path)
        if each.startswith("tests.") and is_test(each)
    ]
    assert not tests, "what they share belongs in tests/support"


def is_test(module: str) -> bool:
    return any(part.startswith("test_") or part == "conftest" for part in module.split(".")[1:])


def test_a_folder_is_one_of_the_package_s() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert folders - OWN <= {path.name for path in PACKAGE.iterdir() if path.is_dir()}
