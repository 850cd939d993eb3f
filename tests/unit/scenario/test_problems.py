"""Everything that can be wrong in a scenario file is reported with its place and a remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from umt_sim.errors import ScenarioError
from umt_sim.scenario.loader import load_text
from umt_sim.systems.base import System
from umt_sim.systems.finder import find_system

WHOLE = """\
version: 1
name: example
clock: {duration: 5m, warmup: 20s}
services:
  rabbitmq: {kind: rabbitmq}
  postgres: {kind: postgres}
workload:
  - name: create
    arrivals: {model: open, rate: 10/s}
policies:
  content: {timeout: 2s}
"""
"""Eleven good lines."""


def nothing_starts(setting: object) -> None:
    """A system that only exists to be named."""


SYSTEM = System(
    "umt",
    load=lambda: nothing_starts,  # type: ignore[arg-type, return-value]
    operations=("create_content", "read_dashboard"),
    policies=("content-creation", "publishing"),
    services={"rabbitmq": "rabbitmq", "redis": "redis"},
)


def problems(text: str, **options: object) -> list[str]:
    """What the loader says about a file called ``f.yaml``."""
    options = {"find": None, **options}
    with pytest.raises(ScenarioError) as caught:
        load_text(text, "f.yaml", **options)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


BROKEN = sorted((Path(__file__).parents[2] / "data" / "broken-scenarios").glob("*.yaml"))
"""Each says at its end what is wrong with it: ``# problem: line:column: where: what``."""


def test_there_are_many_ways_to_be_wrong() -> None:
    """The folder is found, and big enough to mean something."""
    assert len(BROKEN) >= 100


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_reported_with_places_and_remedies(path: Path) -> None:
    """Every mistake, and nothing else, at its line and column, with what to write instead."""
    text = path.read_text()
    expected = re.findall(r"^# problem: (.*)$", text, re.MULTILINE)
    found = problems(text, find=find_system)
    assert expected == [problem.removeprefix("f.yaml:") for problem in found]


def test_names_must_be_known_to_the_system() -> None:
    """Operations, policies and services are checked against the system under test."""
    assert [
        "f.yaml:4:1: services.redis: the system umt needs it (kind: redis)",
        'f.yaml:8:11: workload.0.name: unknown operation "create", did you mean "create_content"?',
        'f.yaml:11:3: policies.content: unknown policy "content", did you mean "content-creation"?',
    ] == problems(WHOLE, find=lambda _: SYSTEM)


def test_an_operation_is_asked_for_once() -> None:
    """Two loads of one operation would be one name for two things."""
    twice = WHOLE.replace(
        "policies:", "  - {name: create, arrivals: {model: open, rate: 1/s}}\npolicies:"
    )
    assert problems(twice) == ['f.yaml:10:12: workload.1.name: a second load of "create"']


def test_the_live_world_refuses_what_needs_the_simulated_network() -> None:
    """A crash is fine in the sim world and refused for real servers, with what can be had."""
    text = WHOLE + "faults:\n  gone: {at: 1m, for: 5s, host: agent, crash: true}\n"
    load_text(text, find=None, world="sim")
    assert problems(text, world="live") == [
        (
            "f.yaml:13:3: faults.gone: crash needs the simulated network; the live world can do"
            " every toxic, down, restart, and kill or pause of a server's host"
        )
    ]


def test_a_missing_file_is_a_problem_of_its_own() -> None:
    """A file that cannot be read is named."""
    from umt_sim.scenario.loader import load

    with pytest.raises(ScenarioError, match=r"^nowhere\.yaml: No such file or directory$"):
        load("nowhere.yaml", find=None)
