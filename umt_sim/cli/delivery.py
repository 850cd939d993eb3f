"""Hands results over: printed for people or for machines, and written to files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from umt_sim.cli.writers import Writer

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult
    from umt_sim.expectations.verdicts import Verdict

__all__ = ["Delivery", "plain", "plain_verdict", "writable"]

_GITHUB = "GITHUB_STEP_SUMMARY"


@contextmanager
def writable(option: str, path: Path) -> Iterator[None]:
    """Turn what the file system refuses inside into an error of *option*."""
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"{option} {path}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    Where results go.

    Attributes:
        as_json: Print JSON instead of tables.
        files: Each format asked for, and its file.
        github_summary: Append the Markdown summary to the page of a GitHub Actions job.
    """

    as_json: bool
    files: Mapping[Writer, Path]
    github_summary: bool

    def prepare(self) -> None:
        """
        Make sure that results can go there, before anything is run.

        Raises:
            click.UsageError: They cannot.
        """
        for writer, path in self.files.items():
            with writable(f"--{writer.name}", path):
                path.parent.mkdir(parents=True, exist_ok=True)
        if self.github_summary and not os.environ.get(_GITHUB):
            raise click.UsageError(f"--github-summary needs ${_GITHUB}; GitHub Actions sets it")

    def deliver(self, results: Sequence[TrialResult]) -> None:
        """Print and write *results*."""
        from umt_sim.cli.outcomes import print_results

        if self.as_json:
            rows = [plain(result) for result in results]
            click.echo(json.dumps(rows[0] if len(rows) == 1 else rows, indent=2))
        else:
            print_results(results)
        for writer, path in self.files.items():
            writer.write(results, path)
        if self.github_summary:
            _append_to_job_page(results)


def _append_to_job_page(results: Sequence[TrialResult]) -> None:
    from umt_sim.cli.writers import markdown

    with Path(os.environ[_GITHUB]).open("a", encoding="utf-8") as file:
        file.write(markdown.text(results))


def plain(result: TrialResult) -> dict[str, Any]:
    """A result as JSON can hold it."""
    return {
        "scenario": result.name,
        "source": result.source,
        "seed": result.seed,
        "world": result.world,
        "status": result.status.value,
        "ended": result.ended,
        "error": result.error or None,
        "tape_hash": result.tape_hash,
        "folder": str(result.folder) if result.folder is not None else None,
        "reproduce": result.reproduce,
        "took_wall_s": round(result.took_wall, 3),
        "verdicts": [plain_verdict(verdict) for verdict in result.verdicts],
    }


def plain_verdict(verdict: Verdict) -> dict[str, Any]:
    """As JSON can hold it; an end of an interval that is not bounded is the word ``inf``."""
    row = asdict(verdict) | {"status": verdict.status.value}
    if row["estimate"] is not None:
        row["estimate"] = {
            name: str(value) if isinstance(value, float) and math.isinf(value) else value
            for name, value in row["estimate"].items()
        }
    return row
