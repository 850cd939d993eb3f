"""What docs/scenario.md shows is a scenario, as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from umt_sim.expectations.metrics import METRICS
from umt_sim.scenario.loader import load_text
from umt_sim.scenario.schema.scenario import Scenario

PAGE = (Path(__file__).parents[3] / "docs" / "scenario.md").read_text()
WHOLE, *PARTS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_is_a_scenario() -> None:
    """Everything in it is read: it ends early, keeps some spans, has a baseline and a sweep."""
    plan = load_text(WHOLE, "broker-brownout.yaml")
    assert plan.spans is not None
    assert plan.baseline is not None
    assert (1, 1, 3) == (len(plan.abort), len(plan.sweep), sum(map(len, plan.sweep.values())))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_fits_into_the_example(part: str) -> None:
    """In the place of the same keys, without what refers to them."""
    whole = yaml.safe_load(WHOLE) | yaml.safe_load(part)
    for key in ("expect", "sweep"):
        del whole[key]
    load_text(yaml.safe_dump(whole), "part.yaml")


def test_every_key_and_metric_is_described() -> None:
    """The reference leaves nothing out."""
    keys = re.findall(r"^([a-z]+):", WHOLE, re.MULTILINE)
    words = {*re.findall(r"`([a-z_]+)", PAGE), *keys}
    assert set() == set(METRICS) - words
    assert set() == set(Scenario.model_fields) - words
