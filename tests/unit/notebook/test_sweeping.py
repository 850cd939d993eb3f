"""A sweep draws itself."""

from __future__ import annotations

from itertools import product

import pytest

from tests.fakes.pictures import cut_off, ink, overlapping
from umt_sim.expectations.verdicts import Status
from umt_sim.measures.estimates import Estimate
from umt_sim.notebook.sweeping import DrawnSweep
from umt_sim.search.sweep import Tried

NUMBER = "latency(ask).p95"


def trial(timeout: str, window: int, seed: int, value: float | None) -> Tried:
    point = {"policies.llm.timeout": timeout, "policies.llm.breaker.window": window}
    return Tried(point, seed, Status.PASSED, {NUMBER: Estimate(value, 9)}, "", None)


SWEEP = DrawnSweep(
    [
        trial(timeout, window, seed, None if window == 20 and timeout == "2s" else 0.1 * n + seed)
        for n, (timeout, window) in enumerate(product(("2s", "10s"), (20, 5)))
        for seed in (1, 2)
    ]
)


def test_a_sweep_is_a_heat_map_over_two_of_its_values() -> None:
    """Texts in the order of the sweep, numbers by size; a cell without a number stays empty."""
    figure = SWEEP.plot("timeout", "window", NUMBER)
    axes = figure.axes[0]
    assert ["2s", "10s"] == [text.get_text() for text in axes.get_xticklabels()]
    assert ["5", "20"] == [text.get_text() for text in axes.get_yticklabels()]
    assert ["1.6 s", "1.8 s", "1.7 s"] == [text.get_text() for text in axes.texts]
    assert ink(figure) > 0.05
    assert [] == overlapping(figure)
    assert [] == cut_off(figure)


@pytest.mark.parametrize(
    ("x", "value", "message"),
    [
        ("retry", NUMBER, "'retry' names 0 of the values swept"),
        ("timeout", "latency(ask).p50", r"was not measured; there are latency\(ask\).p95"),
    ],
)
def test_what_was_not_swept_or_measured_is_named(x: str, value: str, message: str) -> None:
    """The message says what there is."""
    with pytest.raises(ValueError, match=message):
        SWEEP.plot(x, "window", value)
