"""Whatever is in the file, the answer is a plan or a list of problems, never a crash."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from umt_sim.errors import Problem, ScenarioError
from umt_sim.expectations import Expectation, expect
from umt_sim.expectations.grammar import ExpectationError
from umt_sim.scenario.loader import load_frozen, load_text

TEXT = (Path(__file__).parents[3] / "scenarios" / "broker-brownout.yaml").read_text()
WORDS = st.sampled_from(
    ["", "0", "-1", "5m", "[]", "{}", "null", "true", "'", '"', ":", "{", "}", "\n", "  ", "&a ",
     "*a", "!!x ", "%", "1e999", "0x1", "#", "- ", "\t", "é", "latency", "down", ".inf", "99h"]
)  # fmt: skip


def either(text: str) -> None:
    """Load *text*; problems are as good as a plan, and every one has words."""
    problems: tuple[Problem, ...] = ()
    try:
        plan = load_text(text, "f.yaml", find=None)
    except ScenarioError as error:
        problems = error.problems
    else:
        assert plan.as_dict() == load_frozen(plan.as_dict(), find=None).as_dict()
        return
    assert problems
    assert all(problem.message for problem in problems)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 12), WORDS)
def test_a_spoiled_scenario_is_a_plan_or_problems(at: int, length: int, word: str) -> None:
    """Replace a few characters anywhere by something awkward."""
    either(TEXT[:at] + word + TEXT[at + length :])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
PATHS = st.sampled_from(
    ["clock", "clock.duration", "services", "services.rabbitmq", "services.llm.request", "workload",
     "workload.0", "workload.0.arrivals", "workload.0.arrivals.stages.0.rate", "policies",
     "policies.llm.retry", "faults", "faults.brownout", "faults.brownout.toxic", "seed", "seeds",
     "expect", "expect.0", "invariants", "name", "system", "version", "abort", "spans"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PATHS, VALUES)
def test_any_value_anywhere_is_a_plan_or_problems(path: str, value: object) -> None:
    """The schema meets every shape of data at every level."""
    plain = load_text(TEXT, find=None).as_dict()
    *above, last = path.split(".")
    holder = plain
    for step in above:
        holder = holder[int(step) if step.isdigit() else step]
    holder[int(last) if last.isdigit() else last] = value  # type: ignore[index]
    with suppress(ScenarioError):
        load_frozen(plain, find=None)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="latency(x).p95<>=! 18ms%/during afterwithinfor_samples", max_size=60))
def test_any_text_is_an_expectation_or_not_understood(text: str) -> None:
    """And the place of a misunderstanding lies in the text."""
    offset = 0
    try:
        assert isinstance(expect(text), Expectation)
    except ExpectationError as error:
        offset = error.offset
    assert 0 <= offset <= len(text)
