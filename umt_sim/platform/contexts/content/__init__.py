"""Pieces of content, their versions, variations and tests."""

from __future__ import annotations

from umt_sim.platform.contexts.content.model import (
    Content,
    ContentStatus,
    ContentType,
    ContentVersion,
    Template,
    TestResult,
    Variation,
)
from umt_sim.platform.contexts.content.repository import ContentRepository

__all__ = [
    "Content",
    "ContentRepository",
    "ContentStatus",
    "ContentType",
    "ContentVersion",
    "Template",
    "TestResult",
    "Variation",
]
