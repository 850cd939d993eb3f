"""
Shows how far a run has come, from a thread that lives in real time.

In the run's own thread clocks and randomness are virtual: a progress bar drawn
there would measure virtual seconds and its message ids would be draws of the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from umt_sim.runner.phases import Progress

__all__ = ["Onlooker"]


class Onlooker:
    """
    Calls *show* with the latest progress whenever there is news; a context manager.

    News that arrives while *show* is busy replaces what it has not seen yet.

    Args:
        show: Draws it. An exception from it is raised when the onlooker is left.
    """

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show
        self._latest: Progress | None = None
        self._over = False
        self._news = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._watch, name="onlooker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._over = True
        self._news.set()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def report(self, progress: Progress) -> None:
        """Take note of *progress*; returns at once."""
        self._latest = progress
        self._news.set()

    def _watch(self) -> None:
        while not self._over:
            self._news.wait()
            self._news.clear()
            latest, self._latest = self._latest, None
            if latest is not None and self._error is None:
                try:
                    self._show(latest)
                except Exception as error:  # noqa: BLE001 - raised again in __exit__
                    self._error = error
