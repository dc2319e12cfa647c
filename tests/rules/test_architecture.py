"""The house in order: a folder is a subject, imports go down, types too, and nothing goes round in a circle.

An import inside a function counts, and one under `if TYPE_CHECKING:` as well. An entry of a table, of the form
"module:name", is a string and no import: that is how what stands below reaches a feature that is switched on.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from flask_oauth_gateway.features import FEATURES
from tests.support.sources import imports_of

PACKAGE = "flask_oauth_gateway"

#: The folders, and the files of the root, from the top of the house to the bottom. Each imports what stands in the lines
#: below its own, and nothing that stands beside it.
ORDER = """
__init__
testing  mcp
extension
cli
endpoints
management  pages
importing  doctor
descriptions
authorization_server
made_on_first_use
resource_server
compatibility  observing
protection
grants
oidc
authorization
tokens
users
permissions
authentication
proofs
assertions
clients
web
stores
database
crypto
config
features  hooks  languages  signals  errors
locks
"""
FLOORS = [line.split() for line in ORDER.split("\n") if line]
FLOOR = {name: floor for floor, names in enumerate(reversed(FLOORS)) for name in names}

MOST_LINES, MOST_FILES = 300, 15

ROOT = Path(__file__).parents[2] / PACKAGE


def module_name(path: Path) -> str:
    """`stores/tokens.py` is stores.tokens, `stores/__init__.py` is stores, the package's own is __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
FOLDERS = sorted({path.parent for path in FILES.values()} - {ROOT})


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Line and name of each module of ours that a module imports, wherever in it."""
    for node in imports_of(FILES[module]):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, ours(name.name)) for name in node.names if is_ours(name.name))
        else:
            source = absolute(module, node)
            if is_ours(source):
                # `from ..database import tables` imports a module, `from ..database.tables import client` a name
                for name in node.names:
                    full = ours(f"{source}.{name.name}")
                    yield node.lineno, full if full in FILES else ours(source)


def absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = [PACKAGE] if module == "__init__" else [PACKAGE, *module.split(".")]
    is_folder = FILES[module].name == "__init__.py" and module != "__init__"
    base = here[: len(here) - node.level + is_folder] or [PACKAGE]
    return ".".join([*base, node.module] if node.module else base)


def is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def ours(name: str) -> str:
    return name.removeprefix(PACKAGE).removeprefix(".") or "__init__"


def folder_of(module: str) -> str:
    return module.partition(".")[0]


def goes_down(module: str, target: str) -> bool:
    here, there = folder_of(module), folder_of(target)
    return here == there or FLOOR[there] < FLOOR[here]


def test_every_folder_has_a_floor() -> None:
    without = {folder_of(module) for module in FILES} - FLOOR.keys()
    assert not without, "give them a place in ORDER"


def test_imports_go_down() -> None:
    wrong = [
        f"{module}, line {line}, imports {target}"
        for module in FILES
        for line, target in imports(module)
        if not goes_down(module, target)
    ]
    assert not wrong


def test_no_two_files_of_a_folder_import_each_other() -> None:
    """Folders can't go round in a circle, as they import downwards; the files within one might."""
    graph = {module: {to for _, to in imports(module) if folder_of(to) == folder_of(module)} for module in FILES}
    while leaves := {module for module, targets in graph.items() if not targets - {module}}:
        graph = {module: targets - leaves for module, targets in graph.items() if module not in leaves}
    assert not graph, "these import each other in a circle"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_folder_begins_with_what_it_is_for_and_has_few_files(folder: Path) -> None:
    sentence = ast.get_docstring(ast.parse(folder.joinpath("__init__.py").read_text(encoding="utf-8")))
    assert sentence, f"{folder.name}/__init__.py doesn't say what the folder is for"
    assert 2 <= len([each for each in folder.glob("*.py") if each.name != "__init__.py"]) <= MOST_FILES


def test_a_file_is_short() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in FILES.items()}
    assert not {module: number for module, number in lines.items() if number > MOST_LINES}


@pytest.mark.parametrize("name", FEATURES)
def test_what_a_feature_names_is_there(name: str) -> None:
    """Its grant, its views, its page of the documentation, and the tests and the page of a grant."""
    feature, project = FEATURES[name], ROOT.parent
    assert (project / "docs" / feature.page).exists()
    for path in (feature.grant, *(endpoint.view for endpoint in feature.endpoints.values())):
        if path is not None:
            module, _, attribute = path.partition(":")
            assert callable(getattr(import_module(f"{PACKAGE}.{module}"), attribute))
    if feature.grant is not None:
        module, _, attribute = feature.grant.partition(":")
        assert feature.grant_type == getattr(import_module(f"{PACKAGE}.{module}"), attribute).GRANT_TYPE
        assert (project / f"tests/grants/test_{module.rpartition('.')[2]}.py").exists()
