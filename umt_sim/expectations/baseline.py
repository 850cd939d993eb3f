"""
A stored baseline, and whether a scenario has become worse than it.

Both sides run with the same seeds: the same arrivals and service times, so each pair
differs by what was changed and little else. A number has regressed if the 95 % interval
of its paired differences lies beyond the tolerance as a whole. Noise is not a regression:
an interval on both sides of the tolerance is inconclusive.

The file is made to be reviewed: one line for each number, its values in the order of the
seeds, six digits each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from umt_sim.errors import JournalError
from umt_sim.expectations.grammar import Number, number
from umt_sim.expectations.tolerance import Tolerance, tolerance
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.expectations.wording import number as figure
from umt_sim.expectations.wording import quantity
from umt_sim.measures.estimates import Estimate, over_replications

__all__ = ["Baseline", "against"]

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Baseline:
    """
    The numbers of a scenario, seed by seed.

    Attributes:
        scenario: Its name.
        world: Where it was run.
        versions: What it was run with.
        seeds: One run each.
        numbers: Name in the language to its values, in the order of the seeds.
    """

    scenario: str
    world: str
    versions: Mapping[str, str]
    seeds: tuple[int, ...]
    numbers: Mapping[str, Values]

    @classmethod
    def load(cls, path: Path) -> Baseline:
        """
        Read what ``save`` wrote.

        Raises:
            JournalError: There is no such file, or it is no baseline.
        """
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                scenario=plain["scenario"],
                world=plain["world"],
                versions=plain["versions"],
                seeds=tuple(plain["seeds"]),
                numbers={name: _finite(values) for name, values in plain["numbers"].items()},
            )
        except FileNotFoundError:
            raise JournalError(
                f"there is no baseline {path}; umt-sim baseline save writes it"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalError(f"{path} is no baseline: {error}") from error

    def save(self, path: Path) -> None:
        """Write it to *path*, whose folder is made if need be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._text(), encoding="utf-8")

    def _text(self) -> str:
        head = {
            "scenario": self.scenario,
            "seeds": list(self.seeds),
            "versions": dict(sorted(self.versions.items())),
            "world": self.world,
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
        rows = [
            f"    {json.dumps(name)}: {json.dumps([_written(value) for value in values])}"
            for name, values in sorted(self.numbers.items())
        ]
        return "\n".join(["{", *lines, '  "numbers": {', ",\n".join(rows), "  }", "}", ""])


def against(
    baseline: Baseline, now: Baseline, tolerances: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """
    Compare a scenario as it is *now* with its *baseline*.

    Args:
        baseline: As stored.
        now: The same numbers, measured again; seeds that only one has are left out.
        tolerances: Name of a number, its operation named, to what is tolerated.

    Returns:
        A verdict for each number: FAILED is a regression.
    """
    return tuple(
        _verdict(number(name), tolerance(text, number(name)), *_pairs(baseline, now, name))
        for name, text in tolerances.items()
    )


def _pairs(baseline: Baseline, now: Baseline, name: str) -> tuple[list[float], list[float]]:
    """Values of one number under both, for the seeds that have it under both."""
    before = dict(zip(baseline.seeds, baseline.numbers.get(name, ()), strict=False))
    after = dict(zip(now.seeds, now.numbers.get(name, ()), strict=False))
    seeds = [s for s in before if before[s] is not None and after.get(s) is not None]
    return [_rounded(before[s]) for s in seeds], [_rounded(after[s]) for s in seeds]


def _verdict(
    asked: Number, allowed: Tolerance, before: Sequence[float], after: Sequence[float]
) -> Verdict:
    name = f"{asked} within {allowed.text}"
    if not before:
        return Verdict(name, Status.INCONCLUSIVE, "no seed has this number in both")
    excess = _mean(
        [
            _difference(old, new, allowed.sign) - allowed.of(old)
            for old, new in zip(before, after, strict=True)
        ]
    )
    unchanged = list(before) == list(after)  # that needs no statistics
    status = Status.PASSED if unchanged else _status(excess)
    mean = sum(after) / len(after)
    return Verdict(
        name,
        status,
        _evidence(asked, before, after, status),
        Estimate(mean, len(after)),
        asked.unit.value,
    )


def _status(excess: Estimate) -> Status:
    """What the interval says of the part of the differences that is not tolerated."""
    if excess.value is not None and math.isinf(excess.value):
        return Status.FAILED if excess.value > 0 else Status.PASSED
    if excess.low is None or excess.high is None:
        return Status.INCONCLUSIVE
    if excess.low > 0:
        return Status.FAILED
    return Status.PASSED if excess.high <= 0 else Status.INCONCLUSIVE


def _evidence(
    asked: Number, before: Sequence[float], after: Sequence[float], status: Status
) -> str:
    old, new = (sum(values) / len(values) for values in (before, after))
    change = _mean([_difference(a, b, 1) for a, b in zip(before, after, strict=True)])
    sentence = (
        f"{quantity(old, asked.unit)} to {quantity(new, asked.unit)}"
        f" over {len(before)} seed{'s' if len(before) > 1 else ''}"
    )
    if list(before) == list(after):
        return f"{sentence}, unchanged"
    if old and math.isfinite(old) and change.low is not None and change.high is not None:
        ends = [figure(end / old * 100) for end in (change.low, change.high)]
        sentence += f", a change of {ends[0]} % to {ends[1]} %"
    if status is Status.INCONCLUSIVE:
        one = len(before) == 1
        sentence += "; one seed has no interval" if one else "; the interval spans the tolerance"
        sentence += ", more seeds would tell"
    return sentence


def _mean(differences: Sequence[float]) -> Estimate:
    """Their mean; infinite without an interval where one of them is."""
    unbounded = [difference for difference in differences if math.isinf(difference)]
    if unbounded:
        return Estimate(max(unbounded), len(differences))
    return over_replications(differences)


def _difference(old: float, new: float, sign: int) -> float:
    """How much *new* lies above *old*, or below it for a negative *sign*."""
    return 0.0 if old == new else sign * (new - old)


def _rounded(value: float | None) -> float:
    assert value is not None
    return float(f"{value:.6g}")


def _written(value: float | None) -> float | str | None:
    """As JSON can hold it: what is not bounded is a word."""
    if value is None:
        return None
    return "inf" if math.isinf(value) else _rounded(value)


def _finite(values: Sequence[Any]) -> Values:
    return [None if value is None else float(value) for value in values]
