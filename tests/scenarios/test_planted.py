"""A system with one fault, run from a scenario: the invariant that is about it finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from umt_sim.bootstrap import run
from umt_sim.expectations.invariants import INVARIANTS
from umt_sim.expectations.verdicts import Status

SCENARIO = """\
version: 1
name: planted
seed: 1
clock: {{duration: 12s, warmup: 1s, drain: 5s}}
system: tests.scenarios.broken:{system}
services: {services}
workload: [{{name: work, arrivals: {{model: open, process: constant, rate: 5/s}}}}]
faults: {faults}
invariants: [{invariant}]
"""
BROKER = "{rabbitmq: {kind: rabbitmq}}"
DOCUMENTS = "{cms: {kind: http, app: cms}}"
POWER_CUT = "{cut: {at: 6s, for: 2s, host: rabbitmq-server, crash: true}}"

PLANTED = {
    "no_lost_messages": ("loses_messages", BROKER, POWER_CUT, "confirmed, then lost"),
    "no_duplicate_effects": ("does_it_twice", DOCUMENTS, "{}", "took place 2 times"),
    "outbox_drained": ("forgets_its_outbox", "{}", "{}", "unsent rows in database"),
    "breaker_transitions_legal": (
        "breaks_its_breaker",
        "{}",
        "{}",
        "closed to half_open is not in the table",
    ),
    "no_unhandled_errors": ("drops_an_error", "{}", "{}", "ValueError"),
    "flow_balance": ("cooks_its_books", "{}", "{}", "flow of station desk"),
    "queues_drain": ("keeps_its_queue", BROKER, "{}", "jobs still has 0 ready and"),
}
"""Invariant to the system, its services, what happens to them, and what is found."""


def test_every_invariant_has_a_system_that_breaks_it() -> None:
    """One that is added needs a planted violation from end to end."""
    assert set(INVARIANTS) == set(PLANTED)


@pytest.mark.parametrize("invariant", list(PLANTED))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_planted_violation_is_caught(invariant: str, tmp_path: Path) -> None:
    """The run fails, and the evidence names what was planted."""
    system, services, faults, evidence = PLANTED[invariant]
    path = tmp_path / "planted.yaml"
    path.write_text(
        SCENARIO.format(system=system, services=services, faults=faults, invariant=invariant)
    )
    verdict = run(path).verdict.verdicts[0]
    assert (invariant, Status.FAILED) == (verdict.name, verdict.status), verdict.evidence
    assert evidence in verdict.evidence


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("observed(connections_out).max < 10", Status.FAILED),
        ("observed(connections_out).max < 100", Status.PASSED),
        ("observed(connections_lent).max < 10", Status.INCONCLUSIVE),
    ],
)
def test_a_number_of_the_systems_own_is_judged(asked: str, status: Status, tmp_path: Path) -> None:
    """A system writes it down, a scenario asks for it by name, and a misspelt name never passes."""
    path = tmp_path / "planted.yaml"
    text = SCENARIO.format(
        system="leaks_its_connections", services="{}", faults="{}", invariant="no_unhandled_errors"
    )
    path.write_text(f"{text}expect: ['{asked}']\n")
    verdict = run(path).verdict.verdicts[0]
    assert (asked, status) == (verdict.name, verdict.status), verdict.evidence
