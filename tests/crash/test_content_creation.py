"""
An agent loses power at the await points of a content creation: nothing is lost, or done twice.

At every one of them with ``--campaign``, and before every other callback of its machine, too; at
every third by default.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from docs.examples.platform.save_then_publish import SaveThenPublish
from tests.crash.content_creation import FLOW, create_content
from tests.crash.power_cut import Points, callbacks, resumptions
from tests.fakes.stage import bury_the_dead
from umt_sim.servers.postgres import Engine, recipe

CREATION = "content-creation-agent"
NAIVE = {CREATION: SaveThenPublish}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all runs; each makes its data fresh."""
    with Engine(recipe()) as running:
        yield running


@pytest.fixture
def points(campaign: bool) -> Points:
    """What counts as a point at which the power may fail."""
    return callbacks if campaign else resumptions


@pytest.fixture
def step(campaign: bool) -> int:
    """From one point at which it does fail to the next."""
    return 1 if campaign else 3


@pytest.fixture(autouse=True)
def _no_ghosts() -> Iterator[None]:
    """Free what the dead hosts of all runs held, before the next test."""
    yield
    bury_the_dead()


@pytest.mark.parametrize("host", FLOW)
def test_no_power_cut_loses_or_repeats_anything(
    engine: Engine, host: str, points: Points, step: int
) -> None:
    """Wherever the agent stops, the task is answered, done once, and announced once."""
    whole = create_content(engine, host, points=points)
    assert [] == whole.losses
    assert len(whole.points) > 20
    broken = {
        f"{number}: {whole.points[number]}": losses
        for number in range(0, len(whole.points), step)
        if (losses := create_content(engine, host, number, points=points).losses)
    }
    assert {} == broken


def test_saving_and_then_publishing_fails_between_the_two_and_only_there(
    engine: Engine, points: Points, step: int
) -> None:
    """Without an outbox, the news is lost exactly if the power fails after saving it."""
    whole = create_content(engine, CREATION, agents=NAIVE, points=points)
    assert [] == whole.losses
    runs = {
        number: create_content(engine, CREATION, number, agents=NAIVE, points=points)
        for number in range(0, len(whole.points), step)
    }
    lost = [number for number, run in runs.items() if run.losses]
    between = [
        number for number, run in runs.items() if run.stored_before and not run.announced_before
    ]
    assert between == lost
    assert lost, "the power never failed between saving and publishing"
    for number in lost:
        assert ["draft"] == list(runs[number].contents.values())
        assert {} == runs[number].posts
