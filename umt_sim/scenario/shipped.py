"""The scenarios that come with umt_sim."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["shipped_scenarios"]

PACKAGE = Path(__file__).parents[1]
INSTALLED = PACKAGE / "scenarios"
"""Where the wheel has them; in a checkout they are beside the package."""


def shipped_scenarios() -> Mapping[str, Path]:
    """Their files by name, in the order of the names."""
    folder = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent / "scenarios"
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"), key=lambda path: path.stem)}
