"""The example project, tested with the wheel instead of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "orders"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to which the wheel is installed, without what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    source, site = folder / "source", folder / "site"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("umt_sim", "scenarios"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True)
    return site


def test_the_example_project_is_tested_by_the_wheel(site: Path, tmp_path: Path) -> None:
    """Its scenario and its hand-written test pass with nothing but the installed package."""
    project = tmp_path / "orders"
    shutil.copytree(
        EXAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache", "runs")
    )
    (project / "tests" / "test_where.py").write_text(
        "import umt_sim\n\n"
        f"def test_the_wheel_is_used():\n    assert umt_sim.__file__.startswith({str(site)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "scenarios/order-outage.yaml::order-outage[s1] PASSED" in done.stdout
    assert "3 passed" in done.stdout


def test_the_wheel_brings_the_shipped_scenarios(site: Path, tmp_path: Path) -> None:
    """Who has only the package can begin with any of them."""
    there = site / "umt_sim" / "scenarios"
    assert _names(ROOT / "scenarios") == _names(there)
    subprocess.run(
        [sys.executable, "-m", "umt_sim.cli", "init", "--like", "cache-loss"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )
    written = (tmp_path / "cache-loss.yaml").read_text()
    assert written.endswith((there / "cache-loss.yaml").read_text())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.yaml"))
