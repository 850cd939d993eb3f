"""Clocks and randomness are virtual during a run, for its thread, and real again afterwards."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import json
import os
import pickle
import random
import secrets
import socket
import sys
import threading
import time
import types
import uuid
from datetime import UTC, date, datetime, timedelta
from random import randint
from time import monotonic, time_ns

import numpy as np
import pydantic
import pytest

from umt_sim.kernel import Kernel
from umt_sim.kernel.wall_clock import EPOCH


class Holder:
    """Binds a clock in the two ways that classes do."""

    attribute = time.monotonic
    static = staticmethod(time.time)


def with_default(clock=time.monotonic, *, wall=time.time):
    return clock(), wall()


CLOCKS = {
    "time.time": time.time,
    "time.time_ns": time.time_ns,
    "time.monotonic": time.monotonic,
    "time.monotonic_ns": time.monotonic_ns,
    "time.perf_counter": time.perf_counter,
    "time.perf_counter_ns": time.perf_counter_ns,
}
RANDOM = {
    "random.random": lambda: random.random(),
    "random.randint, bound before": lambda: randint(0, 10**9),
    "random.shuffle": lambda: random.sample(range(100), 10),
    "random.gauss": lambda: random.gauss(0, 1),
    "random.Random()": lambda: random.Random().random(),
    "random.SystemRandom": lambda: random.SystemRandom().random(),
    "os.urandom": lambda: os.urandom(8),
    "secrets.token_hex": lambda: secrets.token_hex(),
    "uuid.uuid1": lambda: uuid.uuid1(),
    "uuid.uuid4": lambda: uuid.uuid4(),
    "numpy.random.random": lambda: np.random.random(),
    "numpy.random.default_rng": lambda: np.random.default_rng().random(),
}


def in_run(function, *, seed=1, at=1.5):
    """What *function* returns *at* some seconds of a run."""

    async def main():
        await asyncio.sleep(at)
        return function()

    with Kernel(seed=seed) as kernel:
        return kernel.run(main())


def test_clocks_show_virtual_time():
    """Monotonic clocks start at 0, wall clocks at the epoch."""
    epoch = EPOCH.timestamp()
    expected = [epoch + 1.5, round((epoch + 1.5) * 1e9), 1.5, 1_500_000_000, 1.5, 1_500_000_000]
    # Looked up by name, as code under test does.
    actual = in_run(lambda: [getattr(time, name.split(".")[1])() for name in CLOCKS])
    assert expected == actual


def test_numbered_clocks_show_virtual_time_too():
    """``clock_gettime`` is no way around; the clocks of CPU time stay the machine's."""

    async def main():
        await asyncio.sleep(1.5)
        assert time.clock_gettime(time.CLOCK_MONOTONIC) == 1.5
        assert time.clock_gettime_ns(time.CLOCK_MONOTONIC) == 1_500_000_000
        assert time.clock_gettime(time.CLOCK_REALTIME) == time.time()
        assert time.clock_gettime_ns(time.CLOCK_REALTIME) == time.time_ns()
        assert 0 < time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) != 1.5

    with Kernel(seed=1) as kernel:
        kernel.run(main())


def test_clocks_bound_before_the_run_are_virtual_too():
    """Aliases in modules and classes, and default arguments, are found."""

    def read():
        return monotonic(), time_ns(), Holder.attribute(), Holder().attribute(), Holder.static()

    wall = EPOCH.timestamp() + 1.5
    assert in_run(read) == (1.5, round(wall * 1e9), 1.5, 1.5, wall)
    assert in_run(with_default) == (1.5, wall)


def test_datetime_shows_virtual_time():
    """``now``, ``utcnow``, ``today`` and calendar time agree, in UTC."""

    def read():
        return (
            datetime.now(),  # noqa: DTZ005 - naive on purpose
            datetime.now(UTC),
            dt.datetime.today(),  # noqa: DTZ002
            date.today(),  # noqa: DTZ011
            time.localtime()[:6],
            time.gmtime()[:6],
            time.ctime(),
            time.strftime("%Y-%m-%d %H:%M:%S"),
        )

    naive = datetime(2026, 1, 1, 0, 0, 1, 500_000)  # noqa: DTZ001 - as the code under test gets
    second = (2026, 1, 1, 0, 0, 1)
    assert in_run(read) == (
        naive,
        naive.replace(tzinfo=UTC),
        naive,
        naive.date(),
        second,
        second,
        "Thu Jan  1 00:00:01 2026",
        "2026-01-01 00:00:01",
    )


def test_naive_local_time_round_trips():
    """``datetime.now().timestamp()`` is ``time.time()``, whatever the machine's time zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    try:
        naive, wall = in_run(lambda: (datetime.now().timestamp(), time.time()))  # noqa: DTZ005
        assert naive == wall
        assert os.environ["TZ"] == "Pacific/Auckland"
        assert time.timezone == -12 * 3600
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def test_datetime_stays_the_same_class():
    """Pickling, copying, subclassing, type checks and pydantic work with virtual instants."""

    class Special(datetime):
        """A subclass, as libraries have."""

    class Model(pydantic.BaseModel):
        moment: datetime

    def check():
        now = datetime.now(UTC)
        assert type(now) is datetime
        assert isinstance(now, datetime)
        assert type(Special.now(UTC)) is Special
        assert pickle.loads(pickle.dumps(now)) == now == copy.copy(now)
        model = Model.model_validate_json(Model(moment=now).model_dump_json())
        assert model.moment == now
        assert pydantic.TypeAdapter(datetime).validate_python(now) == now
        return now + timedelta(seconds=1)

    assert in_run(check) == datetime(2026, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("name", RANDOM)
def test_randomness_depends_on_the_seed_alone(name):
    """Every source of randomness repeats for one seed and differs for another."""
    first, again, other = (in_run(RANDOM[name], seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_seed_set_by_the_code_is_respected():
    """``random.seed(5)`` gives the numbers it always gives."""

    def draw():
        random.seed(5)
        return random.random()

    assert in_run(draw) == random.Random(5).random()


def test_the_machine_has_no_name():
    """Host names come from the simulation."""
    assert in_run(lambda: socket.gethostname()) == "simulation"


@pytest.fixture
def snapshot():
    """Everything that a run replaces, to compare before and after."""

    def take():
        return (
            [getattr(time, name.split(".")[1]) for name in CLOCKS],
            [monotonic, time_ns, randint, Holder.__dict__["attribute"], Holder.__dict__["static"]],
            [with_default.__defaults__, with_default.__kwdefaults__.copy()],
            [time.sleep, threading.Thread.start, os.urandom, uuid.getnode, socket.gethostname],
            [random.Random.seed, random.getstate(), asyncio.as_completed, os.environ.get("TZ")],
            [datetime.__dict__["now"], datetime.__dict__["utcnow"]],
        )

    return take


def test_everything_is_restored(snapshot):
    """Leaving the kernel restores each function and generator that it replaced."""
    before = snapshot()
    in_run(lambda: [random.random(), np.random.random()])
    assert before == snapshot()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_everything_is_restored_after_an_error(snapshot, error):
    """Also when the run ends with an exception."""
    before = snapshot()

    def fail():
        raise error

    with pytest.raises(error):
        in_run(fail)
    assert before == snapshot()


def test_time_is_real_again_afterwards():
    """After a run the clocks move by themselves."""
    in_run(time.time)
    assert abs(datetime.now(UTC).timestamp() - time.time()) < 5
    assert datetime.now(UTC) != EPOCH
    first = monotonic()
    time.sleep(0.001)
    assert monotonic() > first


def test_modules_imported_during_a_run_get_the_real_functions_later():
    """A module that was first imported inside a run does not keep its virtual clock."""
    module = types.ModuleType("imported_during_the_run")

    def import_it():
        exec("from time import monotonic\ndef read(clock=monotonic): return clock()", vars(module))
        sys.modules[module.__name__] = module
        return module.read()

    try:
        assert in_run(import_it) == 1.5
        assert module.monotonic is monotonic
        assert in_run(module.read, at=2.5) == 2.5
    finally:
        del sys.modules[module.__name__]


def test_other_threads_keep_the_machines_clocks():
    """A thread beside the run reads real time and real randomness."""
    go, results = threading.Event(), []

    def beside():
        go.wait(10)
        results.extend([time.time(), datetime.now(UTC), json.dumps(random.random()), monotonic()])

    worker = threading.Thread(target=beside)
    worker.start()
    before = time.time()
    with Kernel(seed=1) as kernel, kernel.guard.opened():
        go.set()
        worker.join()
    assert results[0] >= before
    assert abs(results[1].timestamp() - results[0]) < 5
    assert results[3] != 0.0


def test_log_records_carry_virtual_time(caplog):
    """The ``logging`` module stamps its records with the wall clock of the run."""
    import logging

    in_run(lambda: logging.getLogger("test").warning("hello"))
    assert caplog.records[0].created == pytest.approx(EPOCH.timestamp() + 1.5)
