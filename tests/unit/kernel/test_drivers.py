"""Cures for drivers whose behaviour would differ from run to run."""

from __future__ import annotations

import asyncio
import importlib
import sys

import pytest

from umt_sim.kernel import Kernel
from umt_sim.kernel.drivers import CURES
from umt_sim.kernel.ordered import OrderedFrozenSet, OrderedSet, OrderedWeakSet

DRIVER = "umt_sim_test_driver"


@pytest.fixture
def driver(monkeypatch, tmp_path):
    """A driver that keeps a set and counts, with a cure, not yet imported."""
    (tmp_path / f"{DRIVER}.py").write_text("count = 7\ndef waiters(): return set('abc')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(CURES, DRIVER, {"set": OrderedSet, "count": 0})
    yield
    sys.modules.pop(DRIVER, None)


@pytest.mark.usefixtures("driver")
def test_a_loaded_driver_is_cured_and_restored():
    """During a run its sets are ordered and its counters start anew, and only then."""
    module = importlib.import_module(DRIVER)
    with Kernel(seed=1):
        assert isinstance(module.waiters(), OrderedSet)
        assert module.count == 0
        module.count += 1
    assert type(module.waiters()) is set
    assert module.count == 7


@pytest.mark.usefixtures("driver")
def test_a_driver_imported_during_the_run_is_cured_and_restored():
    """So is a driver that the code under test imports late."""
    with Kernel(seed=1):
        module = importlib.import_module(DRIVER)
        assert list(module.waiters()) == ["a", "b", "c"]
        assert module.count == 0
    assert type(module.waiters()) is set
    assert module.count == 7
    assert not any(type(finder).__name__ == "_LateDrivers" for finder in sys.meta_path)


@pytest.mark.parametrize("name", CURES)
def test_the_names_to_cure_exist(name):
    """Each driver still has the names, or uses the builtins, that its cure replaces."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed")
    builtins = {"set", "frozenset"}
    assert [] == [key for key in CURES[name] if not hasattr(module, key) and key not in builtins]


def test_as_completed_starts_coroutines_in_the_order_given():
    """Asyncio would start them in the order of a set."""
    started = []

    async def job(number):
        started.append(number)
        await asyncio.sleep(0)
        return number

    async def main():
        return [await job for job in asyncio.as_completed([job(number) for number in range(12)])]

    with Kernel(seed=1) as kernel:
        assert sorted(kernel.run(main())) == list(range(12))
    assert started == list(range(12))


def test_an_ordered_set_behaves_as_a_set():
    """Same elements, same operators; only the order is that of insertion."""
    ordered = OrderedSet("hello")
    assert list(ordered) == ["h", "e", "l", "o"]
    assert ordered == set("hello")
    assert ordered | {"x"} == set("hellox")
    assert ordered & {"h", "z"} == {"h"}
    assert ordered - {"h"} == set("ello")
    ordered.add("h")
    ordered.discard("nothing")
    ordered.update("yz")
    ordered.difference_update("el")
    assert list(ordered.copy()) == ["h", "o", "y", "z"]
    assert ordered.pop() == "h"
    assert list(ordered.union("ab")) == ["o", "y", "z", "a", "b"]
    assert repr(ordered) == "OrderedSet(['o', 'y', 'z'])"
    ordered.clear()
    assert not ordered


def test_a_frozen_stand_in_is_told_apart():
    """Code that asks whether a set is frozen gets the right answer."""
    assert isinstance(OrderedFrozenSet("ab"), OrderedFrozenSet)
    assert not isinstance(OrderedSet("ab"), OrderedFrozenSet)


def test_an_ordered_weak_set_forgets_the_dead():
    """Elements leave when nobody else holds them."""

    class Thing:
        pass

    things = [Thing() for _ in range(3)]
    weak = OrderedWeakSet(things)
    assert list(weak) == things
    del things[1]
    assert list(weak) == things
