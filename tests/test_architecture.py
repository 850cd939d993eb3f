"""The rules of import hold, and a broken rule is noticed."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts of *folder* in a process of their own."""
    program = "from importlinter.cli import lint_imports as lint; exit(lint(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to plant a violation in."""
    shutil.copytree(
        ROOT / "umt_sim", tmp_path / "umt_sim", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold() -> None:
    """Every part imports only what it may."""
    result = lint_imports(ROOT)
    assert 0 == result.returncode, result.stdout


def test_ids_are_made_from_randomness_that_is_passed_in() -> None:
    """Of ``uuid`` the platform imports the type alone, never a function that draws."""
    imported = {
        alias.name
        for path in sorted((ROOT / "umt_sim" / "platform").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "uuid"
        for alias in node.names
    }
    assert {"UUID"} == imported


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("platform/agents/agent.py", "import time", "clocks and randomness are passed in"),
        ("network/__init__.py", "import random", "clocks and randomness are passed in"),
        ("platform/errors.py", "import umt_sim.journal.records", "knows nothing of the harness"),
        ("platform/errors.py", "import asyncpg", "Drivers stay in the platform's adapters"),
        ("kernel/__init__.py", "import umt_sim.network", "Layers"),
        ("runner/clock.py", "import umt_sim.worlds.sim", "Only bootstrap names a world"),
    ],
)
def test_a_planted_import_is_caught(copy: Path, module: str, line: str, contract: str) -> None:
    """Each contract names the import that breaks it."""
    path = copy / "umt_sim" / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    result = lint_imports(copy)
    assert 0 != result.returncode
    broken = [row for row in result.stdout.splitlines() if contract in row and "BROKEN" in row]
    assert broken, result.stdout
