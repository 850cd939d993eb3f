"""What a scenario tells its reader: the table of a failure, the numbers of a JUnit file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from umt_sim.analysis import Result
from umt_sim.analysis.reproduction import reproduction
from umt_sim.expectations.verdicts import Status, Verdict

__all__ = ["comparison", "explanation", "numbers"]

_SIGNS = {
    Status.PASSED: "ok  ",
    Status.FAILED: "FAIL",
    Status.INCONCLUSIVE: "?   ",
    Status.ERRORED: "ERR ",
}


def explanation(result: Result, source: str) -> str:
    """Every verdict with its evidence, then how to see the same again."""
    lines = [
        f"{result.status.value.upper()}: {result.name}, {result.world} world, seed {result.seed}",
        "",
        *(line for verdict in result.verdict.verdicts for line in _lines(verdict)),
        "",
        f"reproduce: {reproduction(result, source)}",
    ]
    if result.folder is not None:
        lines.append(f"journal:   {result.folder}")
    return "\n".join(lines)


def comparison(verdicts: Sequence[Verdict], source: str) -> str:
    """Each number against the baseline, then how to see the same again."""
    lines = [line for verdict in verdicts for line in _lines(verdict)]
    return "\n".join([*lines, "", f"reproduce: umt-sim baseline check {shlex.quote(source)}"])


def _lines(verdict: Verdict) -> list[str]:
    lines = [f"  {_SIGNS[verdict.status]}  {verdict.name}", f"        {verdict.evidence}"]
    if verdict.traceback:
        lines += [f"        {line}" for line in verdict.traceback.splitlines()]
    return lines


def numbers(result: Result) -> list[tuple[str, object]]:
    """What was measured, by name, as JUnit properties: seconds, shares, rates, counts."""
    measured = [
        (f"umt.{verdict.name}", verdict.estimate.value)
        for verdict in result.verdict.verdicts
        if verdict.estimate is not None and verdict.estimate.value is not None
    ]
    return [
        ("umt.seed", result.seed),
        ("umt.world", result.world),
        ("umt.verdict", result.status.value),
        ("umt.tape_hash", result.tape_hash or ""),
        *measured,
    ]
