"""Measured times come from files beside the scenario, or are written in it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from umt_sim.distributions import Empirical
from umt_sim.errors import ScenarioError
from umt_sim.scenario.loader import load, load_frozen
from umt_sim.scenario.plan import Plan
from umt_sim.workload.values import Limit, TraceArrivals

SCENARIO = """\
version: 1
name: measured
clock: {duration: 1m}
services:
  db: {kind: postgres, query: {dist: empirical, DB}}
workload:
  - {name: ask, arrivals: {model: trace, ASK, max_in_flight: 9, on_full: wait}}
"""


def loaded(folder: Path, *, db: str = "values: [3ms]", ask: str = "values: [1s, 2s]") -> Plan:
    """The scenario with these times in it, in a folder of its own."""
    path = folder / "measured.yaml"
    path.write_text(SCENARIO.replace("DB", db).replace("ASK", ask))
    return load(path, find=None)


def problem(folder: Path, **times: str) -> str:
    """The one thing wrong, without its file."""
    with pytest.raises(ScenarioError) as caught:
        loaded(folder, **times)
    (found,) = caught.value.problems
    return f"{found.line}:{found.column}: {found.pointer}: {found.message}"


def test_a_file_of_lines_is_a_distribution(tmp_path: Path) -> None:
    """One time on each line, with its unit; comments are left out."""
    (tmp_path / "queries.txt").write_text("# measured in May\n3ms\n\n4.5ms\n")
    plan = loaded(tmp_path, db="file: queries.txt")
    assert plan.services["db"].service_times["query"] == Empirical([0.003, 0.0045])


def test_a_column_of_a_table_is_a_trace(tmp_path: Path) -> None:
    """Packed or not, with the unit stated once."""
    with gzip.open(tmp_path / "calls.csv.gz", "wt") as table:
        table.write("user,at\na,0.25\nb,1.5\nc,\nd,75\n")
    plan = loaded(tmp_path, ask="file: calls.csv.gz, column: at, unit: s")
    assert plan.workload[0].arrivals == TraceArrivals((0.25, 1.5), Limit(9, "wait"))


def test_the_frozen_plan_needs_no_file(tmp_path: Path) -> None:
    """It holds the times themselves."""
    (tmp_path / "calls.txt").write_text("1s\n2s\n")
    plan = loaded(tmp_path, ask="file: calls.txt")
    (tmp_path / "calls.txt").unlink()
    again = load_frozen(plan.as_dict(), find=None)
    assert plan.workload == again.workload


@pytest.mark.parametrize(
    ("content", "db", "message"),
    [
        (None, "file: t.txt", "5:55: services.db.query.file: "),
        ("", "file: t.txt", "5:55: services.db.query.file: t.txt holds no time"),
        ("3ms\nfast\n", "file: t.txt", "5:55: services.db.query.file: t.txt:2: 'fast' is not a"),
        ("3\n", "file: t.txt", "5:55: services.db.query.file: t.txt:1: '3' is not a duration; s"),
        ("a,b\n1,2\n", "file: t.txt, column: c", "5:55: services.db.query.file: t.txt has no colu"),
        ("3ms\n", "file: t.txt, values: [1s]", '5:70: services.db.query.values: either "file" or '),
        ("3ms\n", "unit: ms", '5:31: services.db.query: needs "file" or "values"'),
    ],
)
def test_a_bad_file_is_reported_where_it_is_named(
    tmp_path: Path, content: str | None, db: str, message: str
) -> None:
    """With its own line, and what to do."""
    if content is not None:
        (tmp_path / "t.txt").write_text(content)
    assert problem(tmp_path, db=db).startswith(message)


def test_a_trace_goes_up(tmp_path: Path) -> None:
    """Times that go back were not recorded by a clock."""
    assert problem(tmp_path, ask="values: [2s, 1s]") == (
        "7:27: workload.0.arrivals: the times of a trace must go up"
    )
