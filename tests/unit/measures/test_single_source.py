"""Numbers that people read come from ``measures``; nobody else averages or takes quantiles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import umt_sim

ROOT = Path(umt_sim.__file__).parent
READERS = (
    "analysis", "bootstrap", "cli", "expectations", "notebook", "pytest_plugin", "runner", "search",
)  # fmt: skip
ARITHMETIC = {
    "agg", "aggregate", "average", "corrcoef", "cov", "describe", "histogram", "histogram2d",
    "histogram_bin_edges", "histogramdd", "mean", "median", "nanmean", "nanmedian",
    "nanpercentile", "nanquantile",
    "nanstd", "nanvar", "percentile", "quantile", "rolling", "std", "value_counts", "var",
}  # fmt: skip
MODULES = {"statistics", "scipy"}
ASKED = re.compile(
    r"\w+\.mean\((calm|window|r\.run|r\.windows\[).*"  # Steps.mean of a window
    r"|found\.quantile\(p\)"  # of a distribution, not of a sample
)
"""Calls that look like statistics and are not."""


def files() -> list[Path]:
    return sorted(path for part in READERS for path in (ROOT / part).rglob("*.py"))


def arithmetic(tree: ast.AST) -> Iterator[str]:
    """Every statistic that a module works out by itself."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield module
            case ast.Attribute(value=ast.Name(id="np"), attr=name) if name in ARITHMETIC:
                yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(attr=name)) if name in ARITHMETIC:
                yield ast.unparse(node)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_but_measures_does_statistics(path: Path) -> None:
    """No mean, quantile, histogram or spread outside; who needs one adds it to measures."""
    found = arithmetic(ast.parse(path.read_text(encoding="utf-8")))
    assert [] == [call for call in found if not ASKED.fullmatch(call)]


@pytest.mark.parametrize(
    "text",
    [
        "np.mean(x)", "x.mean()", "frame.groupby('a').quantile(0.5)", "import statistics",
        "from scipy import stats", "np.histogram(x, edges)", "map(np.median, rows)",
        "x.std(ddof=1)", "frame.agg('mean')",
    ],
)  # fmt: skip
def test_statistics_are_recognised(text: str) -> None:
    """In numpy's, pandas' and the standard library's ways to write them."""
    assert list(arithmetic(ast.parse(text)))
