"""A pass is honest: what proves nothing is inconclusive, and a crash is never a pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.journals import fault, journal, steady
from umt_sim.expectations import expect
from umt_sim.expectations.invariants import Finding
from umt_sim.expectations.judgement import Judgement, judge_run
from umt_sim.expectations.verdicts import ExitCode, Status, Verdict, exit_code, overall
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import Outcome, QueueSample, StationTotals, UnhandledError

DURING = "latency(ask).p95 < 200ms during brownout"
BEFORE = "latency(ask).p95 < 200ms during baseline"


def judged(found: Journal, *texts: str, invariants: tuple[str, ...] = (), **more: Any) -> Judgement:
    """The judgement on some expectations."""
    return judge_run(found, [expect(text) for text in texts], invariants, **more)


def run(
    *, met: int = 1, before: float = 0.1, outcome: Outcome = Outcome.OK, **header: Any
) -> Journal:
    """A run with a brownout from 40 to 60 s."""
    return journal(
        *steady(0.0, 40.0, latency=before, outcome=outcome),
        *steady(40.0, 100.0),
        fault("brownout", 40, 60, met=met),
        **header,
    )


def test_all_is_well() -> None:
    """Expectations and invariants that hold make a pass, in the scenario's order."""
    found = judged(run(), BEFORE, DURING, invariants=("no_unhandled_errors",))
    assert [BEFORE, DURING, "no_unhandled_errors"] == [v.name for v in found.verdicts]
    assert found.status is Status.PASSED


def test_a_fault_that_touched_nothing_proves_nothing() -> None:
    """Neither a pass nor a failure about it counts, and the run cannot pass."""
    found = judged(run(met=0), BEFORE, DURING)
    assert [Status.PASSED, Status.INCONCLUSIVE, Status.INCONCLUSIVE] == [
        verdict.status for verdict in found.verdicts
    ]
    assert found.verdicts[1].evidence.startswith("brownout touched nothing, so this proves")
    assert found.verdicts[2].name == "fault brownout"
    assert found.status is Status.INCONCLUSIVE


def test_books_that_do_not_balance_are_an_error_of_the_simulator() -> None:
    """Nobody asked for the invariant, and nothing read off such a run counts."""
    one_missing = StationTotals(99, "db", 5, 4, 0, 0, 0, 0, 0.0, 1.5, 0.0, 1.5)
    recorded = journal(*steady(0.0, 100.0), one_missing)
    found = judged(recorded, "latency(ask).p95 < 200ms during run")
    assert ["flow balance"] == [v.name for v in found.verdicts if v.status is not Status.PASSED]
    assert found.verdicts[-1].evidence.endswith("flow of station db: 5 against 4")
    assert found.status is Status.ERRORED


def test_a_failure_about_a_fault_that_touched_nothing_is_no_failure() -> None:
    """It is not about the system."""
    found = judged(run(met=0), "breaker(llm).opens >= 1 during brownout")
    assert found.status is Status.INCONCLUSIVE


def test_an_unhealthy_baseline_proves_nothing_about_faults() -> None:
    """The baseline's own expectation fails; what is said of the fault is taken back."""
    found = judged(run(before=1.0), BEFORE, DURING)
    assert [Status.FAILED, Status.INCONCLUSIVE] == [v.status for v in found.verdicts]
    assert found.verdicts[1].evidence.startswith("the baseline was not healthy")


def test_a_failing_baseline_is_noticed_without_an_expectation() -> None:
    """When most requests fail before the fault, it shows nothing."""
    found = judged(run(outcome=Outcome.FAIL), DURING)
    assert found.verdicts[0].evidence.startswith("only 0 % of the baseline's requests succeeded")
    assert found.status is Status.INCONCLUSIVE


def test_a_checker_that_crashes_says_so_with_its_traceback() -> None:
    """It is neither passed nor failed nor silent."""

    def broken(_: Journal) -> Finding:
        raise ZeroDivisionError("checker divided by nothing")

    found = judged(run(), invariants=("mine",), checkers={"mine": broken})
    (verdict,) = found.verdicts
    assert verdict.status is Status.ERRORED
    assert "ZeroDivisionError: checker divided by nothing" in (verdict.traceback or "")
    assert 'raise ZeroDivisionError("checker' in (verdict.traceback or "")


def test_a_checker_of_ones_own_is_asked_like_the_others() -> None:
    """By name, with its violations as evidence."""
    checkers = {"mine": lambda _: Finding("2 posts", ("post 7 is empty",))}
    found = judged(run(), invariants=("mine",), checkers=checkers)
    assert [(Status.FAILED, "2 posts: post 7 is empty")] == [
        (v.status, v.evidence) for v in found.verdicts
    ]


def test_a_run_that_failed_cannot_pass() -> None:
    """The exception that ended it is the evidence."""
    failed = journal(
        *steady(0.0, 100.0),
        UnhandledError(50.0, "run", "Stalled", "nothing is scheduled", "Traceback ..."),
        ended="failed",
    )
    found = judged(failed, BEFORE)
    assert found.verdicts[-1].evidence == "the run itself failed: Stalled: nothing is scheduled"
    assert found.status is Status.ERRORED


def test_an_interrupted_run_cannot_pass() -> None:
    """What was recorded is judged all the same."""
    found = judged(run(ended="interrupted"), BEFORE)
    assert [Status.PASSED, Status.INCONCLUSIVE] == [v.status for v in found.verdicts]


def test_an_interrupted_run_is_not_blamed_for_what_it_left_over() -> None:
    """Its queues had no time to drain; a whole run with the same rest has failed."""
    rest = QueueSample(99.0, "rabbitmq", "tasks", 5, 0, 1)
    for ended, status in (("interrupted", Status.INCONCLUSIVE), ("completed", Status.FAILED)):
        found = judged(
            journal(*steady(0.0, 100.0), rest, ended=ended), invariants=("queues_drain",)
        )
        assert status is found.verdicts[0].status


def test_a_run_without_requests_cannot_pass() -> None:
    """Nothing was asked of the system."""
    found = judged(journal(), invariants=("no_unhandled_errors",))
    assert found.status is Status.INCONCLUSIVE


def test_a_scenario_that_expects_nothing_cannot_pass() -> None:
    """A pass is the answer to a question."""
    assert judged(run()).status is Status.INCONCLUSIVE


def test_a_run_that_ended_before_its_measured_phase_is_inconclusive() -> None:
    """There are no windows to judge."""
    from umt_sim.journal.recorder import Recorder

    recorder = Recorder(lambda: 0.0)
    for record in steady(0.0, 5.0):
        recorder.add(record)
    found = judged(recorder.close({"ended": "interrupted"}), BEFORE)
    assert found.status is Status.INCONCLUSIVE


def verdicts(*statuses: Status) -> list[Verdict]:
    """Verdicts of these statuses."""
    return [Verdict("x", status, "") for status in statuses]


P, F, U, E = Status.PASSED, Status.FAILED, Status.INCONCLUSIVE, Status.ERRORED


@pytest.mark.parametrize(
    ("found", "worst", "code"),
    [
        ((P, P), P, ExitCode.PASSED),
        ((P, U), U, ExitCode.INCONCLUSIVE),
        ((U, F), F, ExitCode.FAILED),
        ((F, E), E, ExitCode.FAILED),
        ((), U, ExitCode.INCONCLUSIVE),
    ],
)
def test_the_worst_verdict_decides(
    found: tuple[Status, ...], worst: Status, code: ExitCode
) -> None:
    """Errored, failed, inconclusive, passed; and the exit code follows."""
    assert worst is overall(verdicts(*found))
    assert exit_code([worst]) is code
