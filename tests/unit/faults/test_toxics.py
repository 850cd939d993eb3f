"""Toxics as values: what they lower to, and what they refuse."""

from __future__ import annotations

import pytest

from umt_sim.faults.toxics import (
    TOXICS,
    Bandwidth,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    SlowClose,
    Timeout,
    Toxic,
    strict_212,
    toxic,
)
from umt_sim.faults.toxics.lowering import scaled
from umt_sim.network.pipes import PIPES


@pytest.mark.parametrize(
    ("value", "type_", "attributes"),
    [
        (Latency(latency_ms=900, jitter_ms=200), "latency", {"latency": 900, "jitter": 200}),
        (Latency(latency_ms=1.5), "latency", {"latency": 2, "jitter": 0}),
        (Bandwidth(rate_kb_per_s=10), "bandwidth", {"rate": 10}),
        (SlowClose(delay_ms=30), "slow_close", {"delay": 30}),
        (Timeout(), "timeout", {"timeout": 0}),
        (ResetPeer(timeout_ms=5), "reset_peer", {"timeout": 5}),
        (
            Slicer(average_size_bytes=64, size_variation_bytes=32, delay_us=10),
            "slicer",
            {"average_size": 64, "size_variation": 32, "delay": 10},
        ),
        (LimitData(limit_bytes=0), "limit_data", {"bytes": 0}),
    ],
)
def test_values_become_toxiproxys_integers(
    value: Toxic, type_: str, attributes: dict[str, int]
) -> None:
    """Names and units are Toxiproxy's; halves are rounded up."""
    assert (type_, attributes) == (value.type, value.attributes())


@pytest.mark.parametrize("type_", TOXICS)
def test_a_value_and_its_pipe_have_the_same_attributes(type_: str) -> None:
    """What is sent to Toxiproxy is what the simulated network reads."""
    examples = {
        "bandwidth": Bandwidth(rate_kb_per_s=1),
        "slow_close": SlowClose(delay_ms=1),
        "slicer": Slicer(average_size_bytes=1),
        "limit_data": LimitData(limit_bytes=1),
    }
    value = examples.get(type_) or TOXICS[type_]()
    assert PIPES[type_].attribute_names() == tuple(value.attributes())


def test_every_toxic_has_a_pipe() -> None:
    """Both registries have Toxiproxy's seven; its noop is no fault."""
    assert sorted([*TOXICS, "noop"]) == sorted(PIPES)
    assert len(TOXICS) == 7


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Latency(latency_ms=0.4), "latency_ms is 0.4 ms, which Toxiproxy would round to 0"),
        (lambda: Latency(latency_ms=-1), "latency_ms is -1; it must be from 0 to"),
        (lambda: Latency(jitter_ms=float("nan")), "jitter_ms is nan; it must be from 0 to"),
        (lambda: Latency(latency_ms=1e30), r"latency_ms is 1e\+30; it must be from 0 to"),
        (lambda: Bandwidth(rate_kb_per_s=0.2), "would round to 0; give 0 or at least 1 KB/s"),
        (lambda: Slicer(average_size_bytes=0), "average_size_bytes is 0; it must be at least 1"),
        (
            lambda: Slicer(average_size_bytes=10, size_variation_bytes=11),
            "must be from 0 to average_size_bytes, which is 10",
        ),
        (lambda: ResetPeer(timeout_ms=25_000), "must be below 25000 ms"),
    ],
)
def test_what_toxiproxy_could_not_do_is_refused(build: object, message: str) -> None:
    """The sentence names the field, the value and what is allowed."""
    assert callable(build)
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("type_", "values", "message"),
    [
        ("latencey", {}, "did you mean 'latency'. allowed are latency, bandwidth"),
        ("down", {}, "unknown toxic 'down'; allowed are"),
        ("latency", {"latency": 5}, "no attribute 'latency', did you mean 'latency_ms'"),
        ("slicer", {"delay_us": 5}, "slicer needs average_size_bytes; its attributes are"),
    ],
)
def test_unknown_words_are_refused_with_the_known_ones(
    type_: str, values: dict[str, float], message: str
) -> None:
    """By name, a toxic is found, or the sentence lists what there is."""
    with pytest.raises(ValueError, match=message):
        toxic(type_, **values)


def test_a_toxic_is_built_by_name() -> None:
    """The same value as by its class."""
    assert Latency(latency_ms=5) == toxic("latency", latency_ms=5)


@pytest.mark.parametrize(
    "value",
    [
        Bandwidth(rate_kb_per_s=0),
        Slicer(average_size_bytes=8, size_variation_bytes=8),
    ],
)
def test_what_breaks_212_is_refused_where_it_matters(value: Toxic) -> None:
    """2.13 takes it; strict_212 says why 2.12 must not get it."""
    with pytest.raises(ValueError, match=r"unsafe on Toxiproxy 2\.12: .*give"):
        strict_212(value)


@pytest.mark.parametrize(
    "value",
    [
        Latency(latency_ms=1),
        Bandwidth(rate_kb_per_s=1),
        SlowClose(delay_ms=0),
        Timeout(),
        ResetPeer(),
        Slicer(average_size_bytes=1),
        LimitData(limit_bytes=0),
    ],
)
def test_what_is_safe_passes_the_strict_check(value: Toxic) -> None:
    """Nothing is raised for harmless values."""
    strict_212(value)


def test_scaling_drops_the_binary_residue() -> None:
    """1.1 ms in microseconds is 1100, not 1100.0000000000002."""
    assert 1100.0 == scaled(0.0011, 1_000_000)
