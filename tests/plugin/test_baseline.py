"""With ``--umt-baseline`` a scenario's stored baseline is one more test."""

from __future__ import annotations

import json

import pytest

from tests.plugin.conftest import HOLDS, scenario

AS_IT_IS = 40 / 399  # every tenth of the 399 requests fails


@pytest.mark.parametrize(
    ("before", "outcome", "line"),
    [
        (AS_IT_IS, {"passed": 2}, "chaos/shop.yaml::shop[[]baseline[]] PASSED*"),
        (0.05, {"passed": 1, "failed": 1}, "*FAIL*error_rate(buy) within +1pp"),
    ],
)
def test_the_baseline_is_compared_over_its_seeds(
    project: pytest.Pytester, before: float, outcome: dict[str, int], line: str
) -> None:
    """The same numbers pass; twice the errors are a regression, with the command to see it."""
    scenario(project, "shop.yaml", HOLDS)
    path = project.path / "chaos" / "shop.yaml"
    path.write_text(path.read_text() + "baseline: {file: b.json, tolerate: {error_rate: +1pp}}\n")
    stored = {
        "scenario": "shop", "world": "sim", "versions": {}, "seeds": [7, 8],
        "numbers": {"error_rate(buy)": [before, before]},
    }  # fmt: skip
    (project.path / "chaos" / "b.json").write_text(json.dumps(stored))
    compared = project.runpytest("-v", "--umt-baseline", "-p", "no:cacheprovider")
    compared.assert_outcomes(**outcome)
    compared.stdout.fnmatch_lines([line])
