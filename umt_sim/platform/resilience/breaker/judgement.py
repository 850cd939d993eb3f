"""What the settings make of an outcome: user code asked, and never trusted."""

from __future__ import annotations

from math import inf

from umt_sim.platform.resilience.breaker.outcome import Outcome, as_predicate
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.listeners import Report

__all__ = ["Judgement"]


class Judgement:
    """
    Classifies errors and results by the predicates of the settings.

    A predicate that raises must keep no permit and change nothing for the caller: its error
    is reported, and the outcome is taken at its face value.

    Attributes:
        looks_at_results: Whether a returned value can be anything but a success.
        looks_at_errors: Whether an error that is none of the platform's own can be anything
            but a failure.
    """

    __slots__ = (
        "_failed_result",
        "_ignores",
        "_open_for",
        "_records",
        "_report",
        "looks_at_errors",
        "looks_at_results",
    )

    def __init__(self, settings: BreakerSettings, report: Report) -> None:
        self._report = report
        self._ignores = as_predicate(settings.ignore)
        self._records = as_predicate(settings.record)
        self._failed_result = settings.failed_result
        self._open_for = settings.open_for
        self.looks_at_errors = not settings.takes_errors_as_they_are
        self.looks_at_results = self._failed_result is not None or self._open_for is not None

    def of_error(self, error: Exception) -> Outcome:
        """``ignore`` wins over ``record``."""
        try:
            if self._ignores(error):
                return Outcome.IGNORED
            return Outcome.FAILURE if self._records(error) else Outcome.SUCCESS
        except Exception as broken:  # noqa: BLE001  # reported
            self._report(broken, error)
            return Outcome.FAILURE

    def of_result(self, result: object) -> Outcome:
        """Of a returned value."""
        try:
            failed = self._failed_result is not None and self._failed_result(result)
        except Exception as broken:  # noqa: BLE001  # reported
            self._report(broken, result)
            failed = False
        return Outcome.FAILURE if failed else Outcome.SUCCESS

    def ordered_wait(self, outcome: object) -> float | None:
        """For how many seconds *outcome*, an error or a result, orders the breaker open."""
        if self._open_for is None:
            return None
        try:
            seconds = self._open_for(outcome)
            return seconds if seconds is not None and 0 < seconds < inf else None
        except Exception as broken:  # noqa: BLE001  # reported
            self._report(broken, outcome)
            return None
