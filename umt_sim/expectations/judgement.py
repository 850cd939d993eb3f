"""
Everything a plan expects, answered, with the safeguards that keep a pass honest.

- A fault that touched nothing proves nothing: what is expected of it is inconclusive.
- An unhealthy baseline proves nothing about faults either.
- A checker that crashes is reported with its traceback, never as a pass.
- A run whose books do not balance was recorded wrongly, and no number of it can be trusted.
- A run that failed or was interrupted cannot pass; one that was aborted has failed.
- A run that could not be undone is an error, whatever it measured: the next one meets what it left.
- What must hold at the end of a run cannot be broken by one that never came there.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from umt_sim.errors import JournalError
from umt_sim.expectations.grammar import Expectation
from umt_sim.expectations.invariants import INVARIANTS, Checker
from umt_sim.expectations.invariants.flow import flow_balance
from umt_sim.expectations.judging import judge
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status, Verdict, overall
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import BASELINE, RECOVERY
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import FaultRecord, UnhandledError
from umt_sim.measures.windows import RUN, fault_of

__all__ = ["HEALTHY_SUCCESS", "Judgement", "judge_run"]

HEALTHY_SUCCESS = 0.9
"""Share of the baseline's requests that must succeed for it to be called healthy."""

_AT_THE_END = ("no_lost_messages", "outbox_drained", "queues_drain")


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    The answers to everything a plan expects.

    Attributes:
        verdicts: Expectations, then invariants, in the scenario's order; then what
            the safeguards have to add.
    """

    verdicts: tuple[Verdict, ...]

    @property
    def status(self) -> Status:
        """The worst of them."""
        return overall(self.verdicts)


def judge_run(
    journal: Journal,
    expectations: Sequence[Expectation],
    invariants: Sequence[str],
    *,
    checkers: dict[str, Checker] | None = None,
) -> Judgement:
    """
    Answer everything that is expected of a run.

    Args:
        journal: The closed record of the run.
        expectations: Parsed expectations.
        invariants: Names of invariants.
        checkers: Invariants of your own, by name, beside the built-in ones.
    """
    known = {**INVARIANTS, **(checkers or {})}
    readings = Readings(journal)
    answered = [_guarded(asked.text, partial(judge, asked, readings)) for asked in expectations]
    broken = _broken_run(journal, readings)
    if not broken:
        answered = _safeguarded(answered, expectations, readings)
    checked = [_guarded(name, partial(_check, name, known[name], journal)) for name in invariants]
    if journal.header.get("ended") == "interrupted":
        checked = [_unfinished(verdict) for verdict in checked]
    untouched = [] if broken else _untouched(journal)
    added = [*broken, *_unbalanced(journal), *_aborted(journal), *untouched, *_left(journal)]
    return Judgement((*answered, *checked, *added))


def _guarded(name: str, answer: Callable[[], Verdict]) -> Verdict:
    """An answer, or the crash of the checker that should have given it."""
    try:
        return answer()
    except JournalError as error:
        return Verdict(name, Status.INCONCLUSIVE, str(error))
    except Exception as error:  # noqa: BLE001 - reported as the verdict, with its traceback
        crash = "".join(traceback.format_exception(error))
        evidence = f"the checker crashed: {type(error).__qualname__}: {error}"
        return Verdict(name, Status.ERRORED, evidence, traceback=crash)


def _check(name: str, checker: Checker, journal: Journal) -> Verdict:
    finding = checker(journal)
    if finding.violations:
        return Verdict(name, Status.FAILED, finding.sentence)
    if finding.blind:
        return Verdict(name, Status.INCONCLUSIVE, finding.sentence)
    return Verdict(name, Status.PASSED, finding.sentence)


def _unfinished(verdict: Verdict) -> Verdict:
    """*verdict* on a run that was interrupted: what is left over then might still have gone."""
    if verdict.name not in _AT_THE_END or verdict.status is not Status.FAILED:
        return verdict
    return _taken_back(verdict, "interrupted before its end")


def _unbalanced(journal: Journal) -> list[Verdict]:
    """The error of the simulator or its recording, if the books of the run do not balance."""
    finding = flow_balance(journal)
    if not finding.violations:
        return []
    return [Verdict("flow balance", Status.ERRORED, finding.sentence)]


def _broken_run(journal: Journal, readings: Readings) -> list[Verdict]:
    """Why the run as a whole cannot be judged; nothing for a whole one."""
    match journal.header.get("ended", "completed"):
        case "interrupted":
            return [Verdict("run", Status.INCONCLUSIVE, "interrupted before its end")]
        case "failed":
            errors = [e for e in journal.of(UnhandledError) if e.where == "run"]
            if not errors:
                return [Verdict("run", Status.ERRORED, "the run itself failed")]
            last = errors[-1]
            evidence = f"the run itself failed: {last.error}: {last.message}"
            return [Verdict("run", Status.ERRORED, evidence, traceback=last.traceback)]
    if not len(readings.requests):
        return [Verdict("run", Status.INCONCLUSIVE, "nothing was asked of the system")]
    return []


def _aborted(journal: Journal) -> list[Verdict]:
    """The failure of a run that was so bad that it was ended early."""
    abort = journal.header.get("abort")
    if abort is None:
        return []
    return [Verdict(f"abort: {abort['condition']}", Status.FAILED, abort["evidence"])]


def _left(journal: Journal) -> list[Verdict]:
    """The error of a run that could not be undone; the evidence says what to do."""
    left = journal.header.get("left_behind")
    return [] if left is None else [Verdict("clean-up", Status.ERRORED, str(left))]


def _safeguarded(
    verdicts: Sequence[Verdict], expectations: Sequence[Expectation], readings: Readings
) -> list[Verdict]:
    """*verdicts*, with those about faults taken back where they prove nothing."""
    sick = _unhealthy(verdicts, expectations, readings)
    touched = _touched(readings.journal)
    result = []
    for verdict, expectation in zip(verdicts, expectations, strict=True):
        about = expectation.window
        if about in (None, RUN, BASELINE) or verdict.status in (
            Status.ERRORED,
            Status.INCONCLUSIVE,
        ):
            result.append(verdict)
        elif about != RECOVERY and not touched.get(about or "", True):
            result.append(_taken_back(verdict, f"{about} touched nothing"))
        elif sick:
            result.append(_taken_back(verdict, sick))
        else:
            result.append(verdict)
    return result


def _taken_back(verdict: Verdict, reason: str) -> Verdict:
    evidence = f"{reason}, so this proves nothing; {verdict.evidence}"
    return replace(verdict, status=Status.INCONCLUSIVE, evidence=evidence)


def _unhealthy(
    verdicts: Sequence[Verdict], expectations: Sequence[Expectation], readings: Readings
) -> str:
    """Why the baseline was not healthy; empty if it was, or if there is none."""
    for verdict, expectation in zip(verdicts, expectations, strict=True):
        if expectation.window == BASELINE and verdict.status is Status.FAILED:
            return "the baseline was not healthy"
    baseline = readings.windows.get(BASELINE)
    if baseline is None:
        return ""
    success = readings.requests_in(None, baseline).success().value
    if success is not None and success < HEALTHY_SUCCESS:
        return f"only {quantity(success, Unit.SHARE)} of the baseline's requests succeeded"
    return ""


def _touched(journal: Journal) -> dict[str, bool]:
    """Fault to whether it met anything."""
    touched: dict[str, bool] = {}
    for record in journal.of(FaultRecord):
        name = fault_of(record.name)
        met = bool(record.bytes_touched or record.connections_touched)
        touched[name] = touched.get(name, False) or met
    return touched


def _untouched(journal: Journal) -> list[Verdict]:
    """A verdict for each fault that met nothing."""
    return [
        Verdict(f"fault {name}", Status.INCONCLUSIVE, "touched no byte and no connection")
        for name, met in _touched(journal).items()
        if not met
    ]
