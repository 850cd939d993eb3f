"""Ties log records to the span in which they were written."""

from __future__ import annotations

import logging

from opentelemetry.trace import get_current_span

__all__ = ["TraceContextFilter"]


class TraceContextFilter(logging.Filter):
    """
    Puts ``trace_id`` and ``span_id`` on every record, as hex; empty outside a span.

    Add it to a handler, not to a logger: a logger's filters do not see the
    records of its children. Then a format may say ``%(trace_id)s``.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mark *record*; nothing is filtered out."""
        context = get_current_span().get_span_context()
        record.trace_id = f"{context.trace_id:032x}" if context.is_valid else ""
        record.span_id = f"{context.span_id:016x}" if context.is_valid else ""
        return True
