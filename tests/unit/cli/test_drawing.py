"""A figure's file is looked at before anything is run or read."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from umt_sim.cli.app import app


@pytest.mark.parametrize(
    "words", [("twin", "scenarios/cache-loss.yaml"), ("twin", "--folders", "a", "b"), ("show", "a")]
)
@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("figure.xyz", "'figure.xyz' ends in none of .png, .svg, .pdf"),
        ("figure", "'figure' ends in none of .png, .svg, .pdf"),
        ("nowhere/figure.png", "there is no folder 'nowhere'"),
    ],
)
def test_a_figure_that_cannot_be_drawn(
    words: tuple[str, ...],
    figure: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake of use: exit code 2 at once, not a traceback after minutes."""
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, [*words, "--figure", figure])
    assert 2 == found.exit_code, found.output
    assert message in found.output
