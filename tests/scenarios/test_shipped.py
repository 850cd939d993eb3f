"""The shipped scenarios: each says what it teaches, and ends as it did when it was reviewed."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from tests.scenarios import golden
from umt_sim.cli.commands.list import command as list_command
from umt_sim.scenario.loader import load

LEAST_SHIPPED = 20
SENTENCE = re.compile(r"Teaches: \w.{40,}", re.DOTALL)

UNGUARDED = {
    "cache-stampede": "policies.cache.settings.together=false",
    "half-open-herd": "policies.pricing.breaker.half_open_calls=200",
    "poison-message": "policies.worker.settings.set_aside=false",
    "pool-exhaustion": "policies.shop.settings.hold=false",
    "retry-storm": "policies.orders.retry.budget=10%",
    "slow-consumer": "policies.worker.settings.handling=0.095",
    "thundering-herd": "policies.search.timeout=2s",
    "experiments/metastable-breaker": "policies.database={timeout: 1s, retry: {max_attempts: 2}}",
    "experiments/retry-layers": "policies.library={retry: {max_attempts: 1}}",
    "experiments/shards-own-breakers": "services.shard-1.errors={500: 100%}",
}
"""The one change to a scenario that makes it teach something else: its verdict must notice."""


def test_there_are_enough() -> None:
    """The library has at least twenty scenarios beside the published experiments."""
    library = [name for name in golden.shipped() if "/" not in name]
    assert len(library) >= LEAST_SHIPPED


def test_every_scenario_is_written_down_and_no_other() -> None:
    """A scenario that is added or removed changes the golden file, too."""
    assert golden.shipped() == list(golden.golden())


@pytest.mark.parametrize("name", golden.shipped())
def test_a_scenario_ends_as_it_was_reviewed(name: str) -> None:
    """Each expectation and invariant has the verdict of the golden file."""
    assert golden.golden()[name] == golden.verdicts(name)


@pytest.mark.parametrize("name", golden.shipped())
def test_a_scenario_passes_as_it_is_shipped(name: str) -> None:
    """What is written down is a pass throughout: a scenario shows what it says it does."""
    lines = golden.golden()[name].splitlines()[1:]
    assert lines
    assert [] == [line for line in lines if not line.startswith("    passed ")]


@pytest.mark.parametrize(("name", "change"), list(UNGUARDED.items()))
def test_a_scenario_notices_the_change_that_matters(name: str, change: str) -> None:
    """With the one thing changed that a scenario is about, it does not pass."""
    lines = golden.verdicts(name, change).splitlines()[1:]
    assert [] != [line for line in lines if line.startswith("    failed ")]


@pytest.mark.parametrize("name", golden.shipped())
def test_a_scenario_says_what_it_teaches(name: str) -> None:
    """The description begins with it, and the file's name is the scenario's."""
    plan = load(golden.SCENARIOS / f"{name}.yaml")
    assert name.rpartition("/")[2] == plan.name
    assert SENTENCE.match(plan.description)


def test_the_command_lists_them_all() -> None:
    """``umt-sim list scenarios`` shows every file with its description."""
    shown = CliRunner().invoke(list_command, [str(golden.SCENARIOS), "--runs", "nowhere"]).output
    for name in golden.shipped():
        assert f"{name}.yaml" in shown
        assert load(golden.SCENARIOS / f"{name}.yaml").description in shown
