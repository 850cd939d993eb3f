"""
The pytest plugin: scenario files are tests, and tests get services in virtual time.

- this module: options and hooks; imports nothing heavy, for every pytest run pays for it
- ``collecting``: a scenario file becomes one test for each of its seeds
- ``explaining``: what a failed scenario tells its reader
- ``stage``: a world for one hand-written test

A file is collected when its path matches one of the patterns of the ini option
``umt_scenarios``; other YAML files are left alone. A verdict that is not PASSED fails the test,
INCONCLUSIVE included: a run that cannot tell has shown nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from umt_sim.analysis import Result
    from umt_sim.pytest_plugin.collecting import ScenarioFile
    from umt_sim.pytest_plugin.stage import Stage
    from umt_sim.scenario.plan import WorldName

__all__ = [
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_configure",
    "sim_world",
    "umt_run",
    "umt_world",
]

DEFAULT_PATTERNS = ("*.umt.yaml", "*.umt.yml", "scenarios/*.yaml", "scenarios/*.yml")
_KEYS = ("system:", "workload:", "faults:", "expect:")  # at the beginning of a line: ours
_SUFFIXES = (".yaml", ".yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command line and of the ini file."""
    group = parser.getgroup("umt-sim", "chaos scenarios (umt-sim)")
    group.addoption(
        "--umt-world",
        choices=("sim", "live"),
        default="sim",
        help="where scenarios run: in virtual time (default) or against real servers",
    )
    group.addoption(
        "--umt-seeds",
        type=_count,
        metavar="N",
        help="run each scenario with N seeds, beginning with its own",
    )
    group.addoption(
        "--umt-baseline",
        action="store_true",
        help="also compare each scenario that names a baseline with it",
    )
    group.addoption(
        "--umt-runs",
        metavar="DIR",
        help="keep the run folder of each scenario in DIR; failures name theirs",
    )
    parser.addini(
        "umt_scenarios",
        "patterns of scenario files, matched from the right: 'chaos/*.yaml'"
        f" (default: {' '.join(DEFAULT_PATTERNS)})",
        type="args",
        default=list(DEFAULT_PATTERNS),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the plugin's marker known."""
    config.addinivalue_line(
        "markers",
        "umt(seed=1, **services): seed and services of the worlds a test is given, for example"
        " umt(redis={'kind': 'redis', 'command': '200us'})",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect scenario files."""
    if file_path.suffix not in _SUFFIXES:
        return None
    patterns = parent.config.getini("umt_scenarios")
    if not any(file_path.match(pattern) for pattern in patterns):
        return None
    if tuple(patterns) == DEFAULT_PATTERNS and not _looks_like_a_scenario(file_path):
        return None  # patterns nobody chose must not claim somebody else's files
    from umt_sim.pytest_plugin.collecting import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


def _looks_like_a_scenario(file: Path) -> bool:
    text = file.read_text(encoding="utf-8", errors="replace")
    return any(line.startswith(_KEYS) for line in text.splitlines())


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


@pytest.fixture
def umt_run(request: pytest.FixtureRequest) -> Callable[..., Result]:
    """
    ``umt_run("scenarios/outage.yaml", seed=7, overrides=["faults.outage.for=9s"])`` runs a scenario
    in the world of ``--umt-world`` and returns its ``Result``.
    """
    world = request.config.getoption("--umt-world")

    def run(path: str | Path, **options: Any) -> Result:
        from umt_sim.bootstrap import run

        return run(path, **{"world": world, **options})

    return run


@pytest.fixture
def sim_world(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Services in virtual time, as the test's ``umt`` marker names them."""
    yield from _staged(request, "sim")


@pytest.fixture
def umt_world(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """As ``sim_world``, in the world of ``--umt-world``."""
    yield from _staged(request, request.config.getoption("--umt-world"))


def _staged(request: pytest.FixtureRequest, world: WorldName) -> Iterator[Stage]:
    from umt_sim.pytest_plugin.stage import staged

    marker = request.node.get_closest_marker("umt")
    yield staged(world, dict(marker.kwargs) if marker is not None else {})
