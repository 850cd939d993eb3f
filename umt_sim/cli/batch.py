"""Carries out trials while somebody watches; an interruption keeps what came of them so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click

from umt_sim.bootstrap import trials as bootstrap
from umt_sim.bootstrap.trials import Trial, TrialResult, lost_trial
from umt_sim.cli.progress import watching
from umt_sim.expectations.verdicts import ExitCode
from umt_sim.search.pool import carry_out

__all__ = ["Batch", "carried_out"]

_WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.BAD_SCENARIO,
    ExitCode.SERVICES_MISSING,
    ExitCode.FAILED,
    ExitCode.INCONCLUSIVE,
    ExitCode.PASSED,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What came of some trials.

    Attributes:
        found: Position of each trial that was carried out, and its result.
        code: The exit code of the worst.
    """

    found: Mapping[int, TrialResult]
    code: ExitCode

    @property
    def results(self) -> tuple[TrialResult, ...]:
        """What was found, in the order asked for."""
        return tuple(self.found[index] for index in sorted(self.found))


def carried_out(trials: Sequence[Trial], *, jobs: int, quiet: bool) -> Batch:
    """
    Carry out *trials*, as many at once as there are *jobs*, and show how far they are.

    Ctrl-C ends the runs under way; what they recorded until then is kept and has its result.
    A run that crashes, or whose process is killed, has a result that says so; the others go on.
    """
    if len(trials) > 1:
        trials = [replace(trial, draw_passed=False) for trial in trials]
    found: dict[int, TrialResult] = {}
    with watching([trial.title for trial in trials], quiet=quiet) as watch:

        def done(index: int, result: TrialResult) -> bool:
            found[index] = result
            watch.done(index, result)
            return result.code is not ExitCode.INTERRUPTED

        def lost(index: int, how: str) -> bool:
            return done(index, lost_trial(trials[index], how))

        try:
            carry_out(bootstrap.run_trial, trials, jobs=jobs, done=done, news=watch.news, lost=lost)
        except KeyboardInterrupt:
            interrupted = True
        else:
            interrupted = any(r.code is ExitCode.INTERRUPTED for r in found.values())
    if interrupted:
        click.echo(f"interrupted; {len(found)} of {len(trials)} runs left something", err=True)
    codes = [ExitCode.INTERRUPTED] if interrupted else [r.code for r in found.values()]
    return Batch(found, next(code for code in _WORST_FIRST if code in codes))
