"""What stands in files of Python."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def imports_of(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Every import in a file, wherever in it."""
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8")).body))


def _imports(block: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Of statements alone: walking through all expressions too takes ten times as long."""
    for statement in block:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _imports(getattr(statement, part, []))
        for part in ("handlers", "cases"):
            for each in getattr(statement, part, []):
                yield from _imports(each.body)
