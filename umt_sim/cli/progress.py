"""How waiting for a run looks: a bar on a terminal, a line per 10 % elsewhere, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from umt_sim.runner.phases import Progress

__all__ = ["progress"]

Report = Callable[["Progress"], None]


@contextmanager
def progress(name: str, *, quiet: bool) -> Iterator[Report]:
    """
    A callback for a run's progress.

    Args:
        name: What is running.
        quiet: Show nothing.
    """
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(name) as report:
            yield report
    else:
        yield _lines(name)


@contextmanager
def _bar(name: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} s of the run"),
        TextColumn("{task.fields[answered]} answered", style="dim"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(name, total=1.0, answered=0)

        def report(now: Progress) -> None:
            done = max(0.0, now.at)
            bar.update(task, completed=done, total=now.total, answered=now.answered)

        yield report


def _lines(name: str) -> Report:
    told = 0

    def report(now: Progress) -> None:
        nonlocal told
        tenth = int(max(0.0, now.at) / now.total * 10)
        if tenth > told:
            told = tenth
            click.echo(f"{name}: {tenth * 10} %, {now.answered} answered", err=True)

    return report
