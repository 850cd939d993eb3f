"""Rules are asked no oftener than needed, and never too late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from umt_sim.platform.resilience.breaker import (
    ConsecutiveFailures,
    CountBased,
    FailureRate,
    Rule,
    SlowCallRate,
    TimeBased,
)
from umt_sim.platform.resilience.breaker.window import (
    FAILED,
    SLOW,
    SLOW_FAILED,
    SUCCEEDED,
    CountWindow,
)

LEAVES = st.one_of(
    st.integers(1, 12).map(ConsecutiveFailures),
    st.sampled_from([1, 10, 33.4, 50, 66.7, 100]).map(FailureRate),
    st.sampled_from([1, 25, 50, 100]).map(SlowCallRate),
)
RULES = st.recursive(
    LEAVES,
    lambda parts: st.tuples(parts, parts, st.booleans()).map(
        lambda three: three[0] & three[1] if three[2] else three[0] | three[1]
    ),
    max_leaves=4,
)
WINDOWS = st.one_of(
    st.integers(1, 15).map(CountBased),
    st.integers(1, 4).map(TimeBased),
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from([SUCCEEDED, SUCCEEDED, SLOW, FAILED, FAILED, SLOW_FAILED]),
        st.sampled_from([0.0, 0.0, 0.25, 1.0]),
    ),
    max_size=80,
)


@given(rule=RULES, shape=WINDOWS, minimum=st.integers(1, 12), calls=CALLS)
def test_a_rule_never_says_yes_before_its_patience_is_over(
    rule: Rule, shape: CountBased | TimeBased, minimum: int, calls: list[tuple[int, float]]
) -> None:
    """Asked after every call it says yes at the very call at which it is asked in any case."""
    window, now = shape.build(minimum, 0.0), 0.0
    for outcome, pause in calls:
        now += pause
        ripe = window.record(outcome, 0.1, now)
        says_yes = rule.judge(window) is True
        assert ripe or not says_yes
        if says_yes:
            return
        if ripe:
            window.patience = rule.patience(window)


def test_a_healthy_callee_is_judged_once_in_many_calls() -> None:
    """Half of a hundred calls must fail: after a no, fifty calls pass without a question."""
    window, rule, asked = CountWindow(100, 10), FailureRate(50), 0
    for number in range(1000):
        if window.record(FAILED if number % 4 == 0 else SUCCEEDED, 0.1, 0.0):
            asked += 1
            assert rule.judge(window) is not True
            window.patience = rule.patience(window)
    assert asked < 60
