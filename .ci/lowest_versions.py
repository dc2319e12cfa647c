"""Prints pip constraints that pin each dependency, the databases' drivers too, to its lower bound."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text("utf-8"))["project"]
extras = project["optional-dependencies"]
for requirement in [
    *project["dependencies"],
    *extras["postgres"],
    *extras["mariadb"],
    *extras["redis"],
    *extras["metrics"],
    *extras["traces"],
    *extras["qr"],
]:
    bound = re.fullmatch(r"([\w.-]+)(\[[\w,-]+\])?>=([\w.]+)", requirement)
    if bound is None:
        raise SystemExit(f"pyproject.toml: {requirement!r} needs the form name>=version")
    print(f"{bound[1]}=={bound[3]}")
