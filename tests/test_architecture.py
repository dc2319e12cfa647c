"""The house in order: which way imports go, and that the tables name what is there.

A module imports what stands below it, never what stands beside it or above.
`if TYPE_CHECKING:` does not count; an import inside a function does. A table entry of the form "module:name"
is a string and no import: that is how what stands below reaches a feature that is switched on.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from flask_oauth_gateway.endpoints import ENDPOINTS
from flask_oauth_gateway.grants import GRANTS

PACKAGE = "flask_oauth_gateway"

# A name is a module or a whole folder of the package.
RANKS = [
    ["globals", "signals"],
    ["logs"],
    ["config", "config_checks", "errors", "hashing", "hooks", "jose", "settings"],
    ["stores"],
    ["addresses", "csrf", "issuer", "rate_limits", "redirect_uris", "safe_fetch", "translations", "users"],
    ["assertions", "key_sets", "sealing"],
    ["client_keys", "configured_keys", "saml_xml"],
    ["saml", "saml_encryption"],
    ["issuers"],
    ["saml_issuers"],
    ["client_assertion"],
    [
        "approvals",
        "bearer",
        "client_auth",
        "client_metadata",
        "compatibility",
        "cors",
        "pages",
        "relogin",
        "request",
        "resources",
        "scopes",
        "tokens",
    ],
    ["introspection_client", "token_shapes"],
    ["trusted_issuers"],
    ["authorization", "descriptions", "issuer_descriptions", "validators"],
    ["consent", "explanations", "grants", "protect"],
    ["client_registry", "paths", "token_registry"],
    ["application_registry"],
    ["plans"],
    ["wsgi"],
    ["observe"],
    ["audit", "doctor", "metrics", "registries", "server", "tracing"],
    ["management"],
    ["endpoints"],
    ["cli", "openapi"],
    ["checker"],
    ["state"],
    ["extension"],
    ["__init__"],
    ["testing"],
]

# The modules of a folder may import each other, save in these: there only what the folder itself
# (its __init__) and the named modules hold is shared.
FOLDERS_OF_STRANGERS = {"grants": {"grants", "grants.assertion"}}

# Module to what it may import although it stands beside it: each with a reason.
EXCEPTIONS = {
    "config": {"config_checks"},  # one thing in two files
    "token_registry": {"client_registry"},  # the same error for a client that is not there
}

ROOT = Path(__file__).parent.parent / PACKAGE
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}


def module_name(path: Path) -> str:
    """`stores/tables.py` is stores.tables, `stores/__init__.py` is stores, the package's own is __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


FILES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each module of ours that is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield from imports(module, other)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, ours(name.name)) for name in node.names if is_ours(name.name))
        elif isinstance(node, ast.ImportFrom):
            source = absolute(module, node)
            if is_ours(source):
                # `from .stores import tables` imports a module, `from .stores.tables import client` a name
                for name in node.names:
                    full = ours(f"{source}.{name.name}")
                    yield node.lineno, full if full in FILES else ours(source)
        else:
            yield from imports(module, node)


def absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = [PACKAGE] if module == "__init__" else [PACKAGE, *module.split(".")]
    is_folder = FILES[module].name == "__init__.py"
    base = here[: len(here) - node.level + is_folder]
    return ".".join([*base, node.module] if node.module else base)


def is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def ours(name: str) -> str:
    return name.removeprefix(PACKAGE).removeprefix(".") or "__init__"


def top(module: str) -> str:
    return module.partition(".")[0]


def may_import(module: str, target: str) -> bool:
    folder, other = top(module), top(target)
    if target in EXCEPTIONS.get(module, ()):
        return True
    if folder == other:
        return folder not in FOLDERS_OF_STRANGERS or target in FOLDERS_OF_STRANGERS[folder]
    return RANK.get(other, len(RANKS)) < RANK[folder]


@pytest.mark.parametrize("module", FILES)
def test_imports_go_one_way(module: str) -> None:
    assert top(module) in RANK, f"{module} has no rank: give it one in RANKS"
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    wrong = [
        f"{FILES[module].name}:{line} imports {target}"
        for line, target in imports(module, tree)
        if not may_import(module, target)
    ]
    assert not wrong


def test_the_package_was_found() -> None:
    assert "extension" in FILES


@pytest.mark.parametrize(("grant_type", "path"), GRANTS.items())
def test_a_grant_is_what_its_key_says_and_is_tested_and_documented(grant_type: str, path: str) -> None:
    module, _, name = path.partition(":")
    grant = getattr(import_module(module), name)
    assert grant_type == grant.GRANT_TYPE
    file = module.rpartition(".")[2]
    project = ROOT.parent
    assert (project / f"tests/grants/test_{file}.py").exists()
    assert (project / f"docs/flows/{file}.md").exists()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_is_there(name: str) -> None:
    module, _, function = ENDPOINTS[name].view.partition(":")
    assert callable(getattr(import_module(f"{PACKAGE}.endpoints.{module}"), function))
