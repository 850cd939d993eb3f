"""The file of known values itself, and the page that says where each is tested."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.experiments.ground_truth import Kind, read

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "ground_truth.json"
PAGE = (ROOT / "docs" / "ground-truth.md").read_text()


def test_the_page_names_every_case() -> None:
    """Nobody must search for the test of a case."""
    known = set(re.findall(r"\b(?:[BQ]\d+\w*|AWS\.\d+)", PAGE))
    ids = [case["id"] for case in json.loads(DATA.read_text())]
    given = {".".join(name.split(".")[: 1 + name.startswith("AWS")]) for name in ids}
    assert set() == given - known


def test_the_page_names_tests_that_there_are() -> None:
    """Each test it promises is a function of that file."""
    promised = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(promised) > len(Kind)
    for file, test in promised:
        assert f"def {test}(" in (Path(__file__).parent / file).read_text(), (file, test)


def test_every_kind_has_a_test() -> None:
    """No case is read and then left alone."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    source = "".join(file.read_text() for file in files)
    for kind in Kind:
        assert re.search(rf"ground_truth\(\s*Kind\.{kind.name}\b", source), kind


def test_metrics_of_one_run_are_one_case() -> None:
    """Two cases of one id differ in parameters, or state a metric twice."""
    cases = read(DATA)
    renewal = next(case for case in cases if case.name == "B17")
    assert 5 == len(renewal.expected)
    assert [{"E[sum]", "sd[sum]"}, {"E[sum]"}] == [
        set(case.expected) for case in cases if case.kind is Kind.BACKOFF
    ]


def test_a_case_of_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    """Leaving it out would look as if it had passed."""
    case = {"id": "X.y", "section": "breaker", "params": {"kind": "new"}, "metric": "y"}
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([{**case, "expected": 1}]))
    with pytest.raises(ValueError, match=r"X\.y is of kind 'new', which no test knows"):
        read(file)
