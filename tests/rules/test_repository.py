"""The repository's own files agree: what is run on a commit and by the forge is what CI runs."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
CI = ROOT / ".ci" / "run"


def load(name: str) -> Any:
    return yaml.safe_load(ROOT.joinpath(name).read_text(encoding="utf-8"))


def parts() -> list[str]:
    found = re.search(r"^parts=\((.+)\)$", CI.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1].split()


def test_ci_names_its_parts_to_who_asks_for_another() -> None:
    done = subprocess.run(["bash", CI, "lint", "tests"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"no part tests; the parts are: {' '.join(parts())}\n"


def test_every_part_of_ci_is_a_function_and_every_function_a_part() -> None:
    assert sorted(re.findall(r"^part_(\w+)\(\)", CI.read_text(encoding="utf-8"), re.MULTILINE)) == sorted(parts())


def test_the_forge_runs_every_part_from_the_lowest_python_on() -> None:
    jobs = load(".github/workflows/ci.yml")["jobs"]["run"]["strategy"]["matrix"]["include"]
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert {part for job in jobs if job["python"] == lowest for part in job["parts"].split()} == set(parts())
    assert f"Programming Language :: Python :: {lowest}" in PROJECT["classifiers"]


def test_what_runs_on_a_commit_is_what_ci_runs() -> None:
    """`make lint types`, command by command; and some of the tests."""
    made = subprocess.run(["make", "-n", "lint", "types"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for hook in load(".pre-commit-config.yaml")["repos"][0]["hooks"]:
        command, _, tests = hook["entry"].partition(" -m pytest -q ")
        if tests:
            assert command == ".venv/bin/python"
            assert all(ROOT.joinpath(name).exists() for name in tests.split()), tests
        else:
            assert command in made.splitlines(), command


def test_a_bug_s_form_wants_no_secrets_and_sends_weaknesses_elsewhere() -> None:
    text = ROOT.joinpath(".github", "ISSUE_TEMPLATE", "bug.yml").read_text(encoding="utf-8")
    assert all(each in text for each in ("SECURITY.md", "no secrets", "flask oauth doctor", "flask oauth explain"))


def test_an_index_has_what_its_page_shows() -> None:
    assert PROJECT["readme"] == "README.md"
    assert PROJECT["description"].endswith(".")
    assert PROJECT["classifiers"] == sorted(set(PROJECT["classifiers"]))
    assert PROJECT["keywords"] == sorted(set(PROJECT["keywords"]))
