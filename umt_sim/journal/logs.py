"""Writes the log records of the code under test to the journal while a run lasts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import LogLine

__all__ = ["logs_recorded"]


class _JournalHandler(logging.Handler):
    """Appends each record, with the trace it belongs to."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        context = trace.get_current_span().get_span_context()
        self._recorder.add(
            LogLine(
                at=self._recorder.now(),
                logger=record.name,
                level=record.levelname,
                message=record.getMessage(),
                trace_id=f"{context.trace_id:032x}" if context.is_valid else None,
                span_id=f"{context.span_id:016x}" if context.is_valid else None,
            )
        )


@contextmanager
def logs_recorded(recorder: Recorder) -> Iterator[None]:
    """
    Send what is logged to the journal, and only there.

    A fault makes drivers log by the thousand; a terminal or a notebook is no
    place for that. The root logger's own handlers are put aside and back.
    """
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = [_JournalHandler(recorder)]
    try:
        yield
    finally:
        root.handlers[:] = before
