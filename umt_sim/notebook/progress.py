"""A progress bar in a notebook cell that updates in place and leaves nothing behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from umt_sim.runner.phases import Progress

__all__ = ["cell_count", "cell_progress", "progress_bar", "remaining"]

_TOO_EARLY = 0.05


@contextmanager
def cell_progress(title: str) -> Iterator[Callable[[Progress], None] | None]:
    """Yield what draws progress into the running cell; ``None`` outside a notebook."""
    if not _in_notebook():
        yield None
        return
    from IPython.display import HTML, display

    bar = progress_bar(title)
    handle: Any = display(HTML(bar(None)), display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda progress: handle.update(HTML(bar(progress)))  # type: ignore[no-untyped-call]
    finally:
        handle.update(HTML(""))  # type: ignore[no-untyped-call]


@contextmanager
def cell_count(title: str, noun: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what draws how many of *noun* are done; it draws nothing outside a notebook."""
    if not _in_notebook():
        yield lambda _done, _total: None
        return
    from IPython.display import HTML, display

    handle: Any = display(HTML(_drawn(title, 0.0, "")), display_id=True)  # type: ignore[no-untyped-call]

    since = time.monotonic()

    def draw(done: int, total: int) -> None:
        words = f"{done} of {total} {noun}" + remaining(done / total, time.monotonic() - since)
        handle.update(HTML(_drawn(title, done / total, words)))  # type: ignore[no-untyped-call]

    try:
        yield draw
    finally:
        handle.update(HTML(""))  # type: ignore[no-untyped-call]


def progress_bar(title: str) -> Callable[[Progress | None], str]:
    """What draws progress as HTML; from now on it reckons how long the rest will take."""
    since = time.monotonic()
    return lambda progress: _bar(title, progress, time.monotonic() - since)


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code: then, and only then, a cell can be updated."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def remaining(share: float, elapsed: float) -> str:
    """
    About how long it still takes, in words; nothing while too little is done to tell.

    Args:
        share: How much is done, from 0 to 1.
        elapsed: Seconds that took, of the clock on the wall.
    """
    if share < _TOO_EARLY or share >= 1:
        return ""
    left = elapsed * (1 - share) / share
    return f", about {left / 60:.0f} min left" if left > 90 else f", about {left:.0f} s left"


def _bar(title: str, progress: Progress | None, elapsed: float) -> str:
    share = 0.0 if progress is None else min(1.0, max(0.0, progress.at / progress.total))
    state = (
        "starting services"
        if progress is None or progress.at < 0
        else f"{progress.at:.0f} of {progress.total:.0f} virtual seconds,"
        f" {progress.answered} requests answered, {progress.in_flight} in flight"
        + remaining(share, elapsed)
    )
    return _drawn(title, share, state)


def _drawn(title: str, share: float, state: str) -> str:
    return (
        f'<div style="font: 13px sans-serif"><b>{escape(title)}</b> '
        f'<progress value="{share:.3f}" max="1" style="width: 20em"></progress> {state}</div>'
    )
