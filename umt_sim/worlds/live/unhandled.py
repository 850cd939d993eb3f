"""Exceptions that nobody handled go into the journal, as in the sim world."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import UnhandledError

__all__ = ["note_unhandled"]


def note_unhandled(recorder: Recorder) -> None:
    """Write what the running loop's exception handler is told to *recorder*, while it is open."""

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not recorder.closed:
            recorder.add(_row(context, recorder.now()))

    asyncio.get_running_loop().set_exception_handler(note)


def _row(context: dict[str, Any], at: float) -> UnhandledError:
    error: BaseException | None = context.get("exception")
    message = str(context.get("message", "unhandled exception in event loop"))
    concerned = context.get("task") or context.get("future")
    return UnhandledError(
        at=at,
        where=concerned.get_name() if isinstance(concerned, asyncio.Task) else "event loop",
        error=type(error).__qualname__ if error is not None else message,
        message=str(error) if error is not None else message,
        traceback="".join(traceback.format_exception(error)) if error is not None else "",
    )
