"""How the results of trials look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from umt_sim.cli.tables import LOOK, console, headline, plain_table, verdicts_table
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.verdicts import Status
from umt_sim.expectations.wording import interval, quantity
from umt_sim.measures.estimates import over_replications

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult

__all__ = ["print_results", "replications_table", "summary_table"]


def print_results(results: Sequence[TrialResult]) -> None:
    """One run in full; of several what did not hold, and a summary at the end."""
    out = console()
    if len(results) == 1:
        _print_whole(out, results[0])
        return
    for result in results:
        if result.status is not Status.PASSED:
            _print_shortcomings(out, result)
    for same in _by_scenario(results):
        if len(same) > 1 and any(result.verdicts for result in same):
            out.print(replications_table(same))
            out.print()
    if len(results) > 1:
        out.print(summary_table(results))


def _print_whole(out: Console, result: TrialResult) -> None:
    out.print(headline(result))
    _print_error(result)
    if result.verdicts:
        out.print()
        out.print(verdicts_table(result.verdicts))
        for verdict in result.verdicts:
            if verdict.traceback:
                click.echo(f"\n{verdict.name}\n{verdict.traceback}")
        if result.advice:
            click.echo(result.advice)
        out.print()
    if result.tape_hash:
        click.echo(f"tape:      {result.tape_hash}")
    _print_traces(result)


def _print_shortcomings(out: Console, result: TrialResult) -> None:
    """What did not hold in one run of many."""
    out.print(headline(result))
    _print_error(result)
    lacking = [verdict for verdict in result.verdicts if verdict.status is not Status.PASSED]
    if lacking:
        out.print(verdicts_table(lacking))
    _print_traces(result)
    out.print()


def _print_error(result: TrialResult) -> None:
    if result.error:
        click.echo(result.error, err=True)


def _print_traces(result: TrialResult) -> None:
    """Where the run is kept, and how it is had again if it did not pass."""
    if result.folder is not None:
        click.echo(f"journal:   {result.folder}")
        if (figure := result.folder / "figure.png").exists():
            click.echo(f"figure:    {figure}")
    if result.status is not Status.PASSED:
        click.echo(f"reproduce: {result.reproduce}")


def summary_table(results: Sequence[TrialResult]) -> Table:
    """One line a run, and the sum of them."""
    table = plain_table("", "scenario", right=("seed", "held", "took"))
    for result in results:
        sign, colour = LOOK[result.status]
        held = sum(verdict.status is Status.PASSED for verdict in result.verdicts)
        table.add_row(
            Text(f"{sign} {result.status.value}", style=colour),
            result.name,
            str(result.seed),
            f"{held} of {len(result.verdicts)}",
            f"{result.took_wall:.1f} s",
        )
    passed = sum(result.status is Status.PASSED for result in results)
    table.caption = f"{passed} of {len(results)} runs passed"
    table.caption_justify = "left"
    return table


def replications_table(results: Sequence[TrialResult]) -> Table:
    """Each expectation over all seeds: how often it held, and its mean with an interval."""
    title = f"{results[0].name} over {len(results)} seeds"
    table = plain_table(title, "held", "mean", "95 % interval")
    for name in dict.fromkeys(v.name for result in results for v in result.verdicts):
        answers = [v for result in results for v in result.verdicts if v.name == name]
        held = sum(answer.status is Status.PASSED for answer in answers)
        values = [
            answer.estimate.value
            for answer in answers
            if answer.estimate is not None and answer.estimate.value is not None
        ]
        estimate, unit = over_replications(values), Unit(answers[0].unit)
        table.add_row(
            name,
            f"{held} of {len(answers)}",
            quantity(estimate.value, unit) if values else "",
            interval(estimate, unit) if values else "",
        )
    return table


def _by_scenario(results: Sequence[TrialResult]) -> list[list[TrialResult]]:
    found: dict[tuple[str, str], list[TrialResult]] = {}
    for result in results:
        found.setdefault((result.source, result.name), []).append(result)
    return list(found.values())
