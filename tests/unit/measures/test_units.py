"""Quantities carry their unit, and read back as what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from umt_sim.measures import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1m30s", 90.0),
        ("45s", 45.0),
        ("200us", 0.0002),
        ("200µs", 0.0002),
        ("5ns", 5e-9),
        ("1.5h", 5400.0),
        ("1h2m3s4ms", 3723.004),
        (" 3s ", 3.0),
        ("0s", 0.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """Larger units first, decimals allowed, microseconds in two spellings."""
    assert seconds == units.duration(text)


@pytest.mark.parametrize(
    "text",
    ["", "45", 45, 0, "s", "5 s", "1s1m", "1s1s", "-3s", "1:30", "PT30S", None, True, "1e3s"],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A bare number, a wrong order, a sign."""
    with pytest.raises(ValueError, match="write"):
        units.duration(text)


@pytest.mark.parametrize(
    ("text", "value"), [("20/s", 20.0), ("90/m", 1.5), ("7200/h", 2.0), ("0.5 / s", 0.5)]
)
def test_rates(text: str, value: float) -> None:
    """Per second, minute or hour."""
    assert value == units.rate(text)


@pytest.mark.parametrize(
    ("text", "value"), [("512B", 512), ("64KB", 64_000), ("1MiB", 1_048_576), ("0.5KB", 500)]
)
def test_sizes(text: str, value: int) -> None:
    """KB has 1000 bytes, KiB 1024."""
    assert value == units.size(text)


def test_throughputs_and_percentages() -> None:
    """Bytes per second; fractions of one."""
    assert units.throughput("100KB/s") == 100_000.0
    assert units.percentage("0.5%") == 0.005
    assert units.percentage("100 %") == 1.0


@pytest.mark.parametrize("read", [units.rate, units.size, units.throughput, units.percentage])
def test_a_bare_number_is_refused_with_an_example(read) -> None:  # type: ignore[no-untyped-def]
    """The message shows the number with a unit."""
    with pytest.raises(ValueError, match=r"10 has no unit, write for example '10"):
        read(10)


@given(st.floats(0, 1e6, allow_nan=False, allow_subnormal=False))
def test_what_is_written_reads_back(number: float) -> None:
    """The frozen plan loses nothing."""
    assert number == units.duration(units.write_duration(number))
    assert number == units.rate(units.write_rate(number))
    assert number == units.throughput(units.write_throughput(number))


@given(st.floats(0, 1, allow_nan=False, allow_subnormal=False))
def test_percentages_read_back(share: float) -> None:
    """Written in per cent, read as a fraction."""
    assert share == units.percentage(units.write_percentage(share))
