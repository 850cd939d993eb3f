"""A sweep on a terminal: points stay whole, numbers come with their change to the first point."""

from __future__ import annotations

import pytest

from umt_sim.cli.sweeps import sweep_tables
from umt_sim.cli.tables import console
from umt_sim.expectations.verdicts import Status
from umt_sim.measures.estimates import Estimate
from umt_sim.search.sweep import Sweep, Tried

PATHS = ("policies.content-creation.breaker.open_for", "policies.content-creation.timeout")


def tried(values: tuple[str, str], seed: int, p95: float) -> Tried:
    point = dict(zip(PATHS, values, strict=True))
    numbers = {"latency(ask).p95": Estimate(p95, 200)}
    return Tried(point, seed, Status.PASSED, numbers, "umt-sim run", None)


def test_tables_fit_into_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are named by their ends; the change is that of the pairs, with its sign."""
    monkeypatch.setenv("COLUMNS", "80")
    trials = [tried(("2s", "1s"), 1, 0.5), tried(("2s", "1s"), 2, 0.9),
              tried(("10s", "1s"), 1, 0.7), tried(("10s", "1s"), 2, 1.1)]  # fmt: skip
    out = console()
    for table in sweep_tables(Sweep(trials)):
        out.print(table)
    printed = capsys.readouterr().out
    assert "open_for  timeout  passed" in printed
    assert "latency(ask).p95" in printed
    assert "+200 ms" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_a_sweep_of_nothing_has_no_table() -> None:
    """An interrupted one may have no trial at all."""
    assert [] == list(sweep_tables(Sweep([])))
