"""How waiting for runs looks: bars on a terminal, lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from umt_sim.bootstrap.trials import TrialResult
    from umt_sim.runner.phases import Progress

__all__ = ["Watch", "progress", "watching"]


class Watch(Protocol):
    """Is told how runs are coming along."""

    def news(self, index: int, progress: Progress, /) -> None:
        """A run has come so far."""
        ...

    def done(self, index: int, result: TrialResult, /) -> None:
        """A run is over."""
        ...


@contextmanager
def watching(titles: Sequence[str], *, quiet: bool) -> Iterator[Watch]:
    """
    Show how runs are coming along.

    Args:
        titles: What they are called.
        quiet: Show nothing.
    """
    if quiet:
        yield _Blind()
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield _Bars(titles, bars)
    elif len(titles) == 1:
        yield _Tenths(titles[0])
    else:
        yield _Lines(titles)


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Show how one run is coming along."""
    with watching([title], quiet=quiet) as watch:
        yield lambda now: watch.news(0, now)


class _Blind:
    """Shows nothing."""

    def news(self, index: int, progress: Progress) -> None: ...

    def done(self, index: int, result: TrialResult) -> None: ...


class _Tenths:
    """One run, a line for each tenth of it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._told = 0

    def news(self, _: int, progress: Progress) -> None:
        tenth = int(max(0.0, progress.at) / progress.total * 10)
        if tenth > self._told:
            self._told = tenth
            click.echo(f"{self._title}: {tenth * 10} %, {progress.answered} answered", err=True)

    def done(self, index: int, result: TrialResult) -> None: ...


class _Lines:
    """Many runs, a line for each that is over."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = titles
        self._over = 0

    def news(self, index: int, progress: Progress) -> None: ...

    def done(self, index: int, result: TrialResult) -> None:
        self._over += 1
        count = f"{self._over}/{len(self._titles)}"
        took = f"{result.took_wall:.1f} s"
        click.echo(f"{count}: {self._titles[index]} {result.status.value}, {took}", err=True)


class _Bars:
    """A bar for each run under way, and one for all of them where there are several."""

    def __init__(self, titles: Sequence[str], bars: Bars) -> None:
        self._titles = titles
        self._bars = bars
        self._tasks: dict[int, TaskID] = {}
        self._whole = (
            bars.add_task("all runs", total=len(titles), unit="runs", answered="")
            if len(titles) > 1
            else None
        )

    def news(self, index: int, progress: Progress) -> None:
        if index not in self._tasks:
            self._tasks[index] = self._bars.add_task(
                self._titles[index], total=progress.total, unit="s of the run", answered=""
            )
        self._bars.update(
            self._tasks[index],
            completed=max(0.0, progress.at),
            total=progress.total,
            answered=f"{progress.answered} answered",
        )

    def done(self, index: int, _: TrialResult) -> None:
        if index in self._tasks:
            self._bars.remove_task(self._tasks.pop(index))
        if self._whole is not None:
            self._bars.advance(self._whole)


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[answered]}", style="dim"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left", style="dim"),
        console=Console(stderr=True),
        transient=True,
    )
