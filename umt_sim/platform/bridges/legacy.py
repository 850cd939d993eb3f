"""The old interfaces: what the components of the existing codebase look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

__all__ = [
    "LegacyAgent",
    "LegacyBreaker",
    "LegacyBroker",
    "LegacyCache",
    "LegacyMessage",
    "LegacySpan",
    "LegacyTracer",
]

LegacyMessage = dict[str, Any]
"""
``type`` and ``data`` as the old agents write them.

Besides, where known: ``id``, ``sender``, ``timestamp`` (seconds since 1970),
``reply_to``, ``correlation_id``, ``kind`` (``task`` if it is missing, or ``event``,
``response``, ``error``), ``header`` (what else a new message said of itself, for its
way back) and ``envelope`` (what its broker knew of it: its trace, its failures).
"""


class LegacyBroker(Protocol):
    """A queue by name, a dict as message, a callback per queue. Blocks."""

    def publish(self, queue: str, message: LegacyMessage) -> None:
        """Put *message* into *queue*."""
        ...

    def subscribe(self, queue: str, callback: Callable[[LegacyMessage], None]) -> None:
        """Call *callback* with every message of *queue*, in a thread of the broker's."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


class LegacyCache(Protocol):
    """Text under a key. Blocks."""

    def get(self, key: str) -> str | None:
        """The text, or ``None``."""
        ...

    def set(self, key: str, value: str, ttl: int) -> None:
        """Store for *ttl* whole seconds."""
        ...

    def delete(self, key: str) -> None:
        """Forget."""
        ...


class LegacyBreaker(Protocol):
    """A breaker for plain functions."""

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused."""
        ...

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call *function*, and count how it ended."""
        ...


class LegacySpan(Protocol):
    """A span that is finished by hand."""

    def set_tag(self, key: str, value: Any) -> None:
        """Note a value."""
        ...

    def finish(self) -> None:
        """End."""
        ...


class LegacyTracer(Protocol):
    """Starts spans."""

    def start_span(self, name: str, parent: LegacySpan | None = None) -> LegacySpan:
        """A running span."""
        ...


class LegacyAgent(Protocol):
    """An agent that is a dict of functions from dict to dict. They block."""

    name: str
    handlers: Mapping[str, Callable[[LegacyMessage], Any]]
