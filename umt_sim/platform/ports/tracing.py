"""Tracing, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.util.types import AttributeValue

__all__ = ["TracingProvider"]


@runtime_checkable
class TracingProvider(Protocol):
    """Opens spans. A span that an exception leaves is marked as failed with the error's type."""

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        links: tuple[Link, ...] = (),
    ) -> AbstractContextManager[Span]:
        """A span around a ``with`` block, child of *context* or else of the current span."""
        ...
