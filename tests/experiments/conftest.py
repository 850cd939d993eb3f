"""Gives each test of known values the cases of its kind, from whatever file was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.ground_truth import read


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "ground_truth(kind, dear): one test for each case of the kind; dear ones in a campaign",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("ground_truth")
    if marker is None:
        return
    kind, dear = marker.args[0], marker.kwargs.get("dear", lambda _: False)
    cases = [
        case for case in read(Path(metafunc.config.getoption("ground_truth"))) if case.kind is kind
    ]
    metafunc.parametrize(
        "case",
        [
            pytest.param(case, id=case.name, marks=[pytest.mark.campaign] if dear(case) else [])
            for case in cases
        ],
    )
