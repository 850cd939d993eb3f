"""
Verdicts as files: one module for each format, with ``write(results, path)``.

- ``junit``: for CI servers.
- ``markdown``: for people who read a CI job's page.
- ``html``: the report of a run, for people who were not there.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult

__all__ = ["WRITERS", "Writer"]


@dataclass(frozen=True, slots=True)
class Writer:
    """
    One format, its module imported when it is asked for.

    Attributes:
        name: Of the module here, and of the option.
        help: What the option does.
    """

    name: str
    help: str

    def write(self, results: Sequence[TrialResult], path: Path) -> None:
        """Write *results* to *path*, whose folder is made if need be."""
        module = importlib.import_module(f"umt_sim.cli.writers.{self.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        module.write(results, path)


WRITERS = (
    Writer("junit", "Write the verdicts as JUnit XML to this file."),
    Writer("markdown", "Write a summary in Markdown to this file."),
    Writer("html", "Write the report to this HTML file; of several runs, each to one of its own."),
)
"""Every format; a new one is a module here and a line in this list."""
