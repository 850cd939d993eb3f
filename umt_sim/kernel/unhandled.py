"""Exceptions that nobody handled: in a task nobody awaited, a callback, a finaliser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Unhandled"]


@dataclass(frozen=True, slots=True)
class Unhandled:
    """
    One report of asyncio's exception handler.

    Attributes:
        at: Virtual seconds.
        message: What asyncio says about it.
        where: The task, callback or other object concerned.
        error: The exception, if there is one ("task was destroyed but it is pending"
            has none).
    """

    at: float
    message: str
    where: str
    error: BaseException | None

    @staticmethod
    def of(at: float, context: dict[str, Any]) -> Unhandled:
        """Read the dictionary that asyncio passes to exception handlers."""
        concerned = (
            context[key]
            for key in ("task", "future", "handle", "transport", "protocol", "asyncgen")
            if key in context
        )
        return Unhandled(
            at=at,
            message=context.get("message", "unhandled exception in event loop"),
            where=_name(next(concerned, None)),
            error=context.get("exception"),
        )


def _name(concerned: Any) -> str:
    """Without addresses, so that equal runs report equally."""
    if concerned is None:
        return "event loop"
    if hasattr(concerned, "get_coro"):
        return f"{concerned.get_name()} {getattr(concerned.get_coro(), '__qualname__', '?')}"
    callback = getattr(concerned, "_callback", None) or concerned
    return getattr(callback, "__qualname__", type(callback).__name__)
