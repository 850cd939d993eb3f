"""Conformance with resilience4j, by what was recorded from the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.platform.resilience.replay import Case, Driver, ModelDriver, load

DATA = Path(__file__).parents[3] / "data"

# `docs/breaker.md` gives the reason of each.
DIFFERENCES = {
    "late-result-in-half-open",
    "late-ignored-in-half-open-adds-permit",
    "late-result-in-closed-after-recovery",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        files = [DATA / "breaker_vectors.json.gz", DATA / "breaker_scenarios.json.gz"]
        named = (metafunc.config.getoption("vectors"), metafunc.config.getoption("scenarios"))
        files += [Path(name) for name in named if name]
        cases = [case for file in files for case in load(file)]
        metafunc.parametrize("case", cases, ids=[case.name for case in cases])


def test_model_with_the_quirk_is_resilience4j(case: Case) -> None:
    """The independent model, stale outcomes counted, shows what the real one showed."""
    model = ModelDriver(case.config, stale_outcomes_count=True)
    for step, recorded in case.steps:
        assert recorded == model.do(step), step


def test_breaker_is_resilience4j_until_a_stale_outcome(case: Case) -> None:
    """The breaker shows what the real one showed, up to the first outcome of an earlier state."""
    breaker = Driver(case.config)
    quirk = ModelDriver(case.config, stale_outcomes_count=True)
    for step, recorded in case.steps:
        quirk.do(step)
        if quirk.model.stale_seen:
            return
        assert recorded == breaker.do(step), step


def test_breaker_is_the_model_without_the_quirk(case: Case) -> None:
    """After a stale outcome too the breaker does exactly what it promises, to the last step."""
    breaker = Driver(case.config)
    model = ModelDriver(case.config, stale_outcomes_count=False)
    for step, _ in case.steps:
        assert model.do(step) == breaker.do(step), step


def test_sequential_cases_have_no_stale_outcome(case: Case) -> None:
    """Recorded runs without overlapping calls are reproduced to the last step, with no excuse."""
    if not case.name.startswith("sequential-"):
        return
    breaker = Driver(case.config)
    for step, recorded in case.steps:
        assert recorded == breaker.do(step), step


def test_differences_are_those_documented() -> None:
    """Of the shipped vectors exactly the listed ones differ from resilience4j."""
    differing = {case.name for case in load(DATA / "breaker_vectors.json.gz") if _differs(case)}
    assert DIFFERENCES == differing


def test_every_documented_difference_is_explained() -> None:
    """`docs/breaker.md` names each differing vector."""
    text = (Path(__file__).parents[4] / "docs" / "breaker.md").read_text()
    assert [] == [name for name in sorted(DIFFERENCES) if f"`{name}`" not in text]


def test_vectors_of_another_format_are_left_alone(tmp_path: Path) -> None:
    """A file that is not about circuit breakers gives no cases."""
    toxics = tmp_path / "toxics.json"
    toxics.write_text('{"vectors": [{"id": "latency", "toxics": []}]}')
    assert [] == load(toxics)


def _differs(case: Case) -> bool:
    breaker = Driver(case.config)
    return any(recorded != breaker.do(step) for step, recorded in case.steps)
