"""Scenario files that cost little: a system of three lines, no servers."""

from __future__ import annotations

import pytest

# Imported here, for what a pytest inside a test imports is forgotten with it.
from umt_sim.pytest_plugin import collecting, stage  # noqa: F401
from umt_sim.worlds.sim import SimWorld  # noqa: F401

SYSTEM = """
import asyncio
from contextlib import asynccontextmanager
from umt_sim.workload.operations import Operations

@asynccontextmanager
async def shop(setting):
    async def buy(arrival):
        await asyncio.sleep(0.02)
        if arrival.number % 10 == 3:
            raise ValueError("sold out")
    yield Operations({"buy": buy})
"""

SCENARIO = """
version: 1
name: shop
seed: 7
marks: [shopping]
clock: {duration: 20s, drain: 2s}
system: shop:shop
workload:
  - {name: buy, arrivals: {model: open, process: constant, stages: [{rate: 20/s, for: 20s}]}}
expect:
  - %s
"""

HOLDS = "error_rate(buy) < 50%"
FAILS = "error_rate(buy) < 1%"
CANNOT_TELL = "latency(buy).p99 < 1s min_samples 5000"

INI = """
[pytest]
pythonpath = .
umt_scenarios = chaos/*.yaml
markers = shopping: about the shop
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with a system of its own and a folder ``chaos``."""
    pytester.makepyfile(shop=SYSTEM)
    pytester.makefile(".ini", pytest=INI)
    pytester.mkdir("chaos")
    return pytester


def scenario(project: pytest.Pytester, name: str, expectation: str) -> None:
    """Write a scenario file into the project."""
    (project.path / "chaos" / name).write_text(SCENARIO % expectation)
