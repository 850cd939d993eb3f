"""The fingerprint of a run, and how it tells where two runs part."""

from __future__ import annotations

import asyncio
import random

import pytest

from umt_sim.errors import Nondeterminism
from umt_sim.kernel import Kernel
from umt_sim.kernel.determinism import check_determinism
from umt_sim.kernel.tape import DetailedTape, Tape


def fingerprint(*notes):
    tape = Tape()
    for kind, *fields in notes:
        tape.note(kind, *fields)
    return tape.hexdigest()


def test_equal_notes_give_equal_fingerprints():
    """The fingerprint depends on what was noted, and on nothing else."""
    notes = [("draw", "path", 0.5), ("sent", 3, b"bytes", None, True, (1, 2))] * 5000
    assert fingerprint(*notes) == fingerprint(*notes)


@pytest.mark.parametrize(
    "other", [("sent", 4), ("got", 3), ("sent", 3, 3), ("sent", "3"), ("sent", 3.0)]
)
def test_any_difference_shows(other):
    """Another value, type, number of fields or kind gives another fingerprint."""
    assert fingerprint(("sent", 3)) != fingerprint(other)


def test_order_shows():
    """The same notes in another order give another fingerprint."""
    assert fingerprint(("a",), ("b",)) != fingerprint(("b",), ("a",))


def test_asking_for_the_fingerprint_changes_nothing():
    """A fingerprint can be read at any time, also in the middle of a block."""
    asked, unasked = Tape(), Tape()
    for number in range(10_000):
        for tape in (asked, unasked):
            tape.note("note", number)
        if number % 1000 == 0:
            asked.hexdigest()
    assert asked.hexdigest() == unasked.hexdigest()


def test_a_detailed_tape_has_the_plain_tapes_fingerprint():
    """Keeping details does not change what is hashed."""

    async def main(kernel):
        stream = kernel.streams.stream("test")
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(asyncio.sleep(stream.random()))

    digests = []
    for detailed in (False, True):
        with Kernel(seed=1, detailed=detailed) as kernel:
            kernel.run(main(kernel))
        digests.append(kernel.tape.hexdigest())
    assert digests[0] == digests[1] == check_determinism(main, seed=1)


def test_each_draw_is_noted():
    """A draw more or a draw less changes the fingerprint, even if nothing else happens."""
    digests = set()
    for draws in range(3):
        with Kernel(seed=1) as kernel:
            for _ in range(draws):
                kernel.streams.stream("test").random()
        digests.add(kernel.tape.hexdigest())
    assert len(digests) == 3


def test_streams_have_the_numbers_of_their_seed_and_path():
    """A stream is ``Random(f"{seed}:{path}")``, all distributions included."""
    with Kernel(seed=7) as kernel:
        stream = kernel.streams.stream("network/rabbitmq")
    plain = random.Random("7:network/rabbitmq")
    for draw in ("random", "gauss", "randint", "choice", "shuffle", "randbytes", "expovariate"):
        arguments = {
            "gauss": (0, 1),
            "randint": (1, 10**30),
            "choice": ("abcdefg",),
            "shuffle": (list(range(20)),),
            "randbytes": (9,),
            "expovariate": (2.0,),
        }.get(draw, ())
        assert getattr(plain, draw)(*arguments) == getattr(stream, draw)(*arguments)


def test_streams_do_not_disturb_each_other():
    """Drawing from one stream shifts no draw of another."""
    with Kernel(seed=7) as kernel:
        kernel.streams.stream("added").random()
        beside = kernel.streams.stream("other").random()
    with Kernel(seed=7) as kernel:
        alone = kernel.streams.stream("other").random()
    assert alone == beside


def test_a_stream_is_one_object():
    """Asking twice for a path continues its stream."""
    with Kernel(seed=7) as kernel:
        assert kernel.streams.stream("x") is kernel.streams.stream("x")


def test_nondeterminism_is_named_with_time_task_and_line():
    """The first difference between two runs is found where it arises."""
    runs = []

    async def fickle(kernel):
        await asyncio.sleep(2.5)
        kernel.streams.stream("fickle").random()
        if len(runs) > 1:
            kernel.streams.stream("fickle").random()  # the line to be found

    async def main(kernel):
        runs.append(kernel)
        await asyncio.create_task(fickle(kernel), name="fickle one")
        kernel.streams.stream("later").random()

    with pytest.raises(Nondeterminism) as caught:
        check_determinism(main, seed=1)
    assert caught.value.at == 2.5
    assert "by fickle one at tests/unit/kernel/test_tape.py" in caught.value.second
    assert "draw ('fickle', " in caught.value.second


def test_a_difference_in_scheduling_alone_is_found():
    """Two runs whose tasks merely run in another order differ."""
    runs = []

    async def child():
        await asyncio.sleep(1)

    async def other_child():
        await asyncio.sleep(1)

    async def main(kernel):
        runs.append(kernel)
        pair = [child, other_child][:: 1 if len(runs) == 1 else -1]
        await asyncio.gather(*(one() for one in pair))

    with pytest.raises(Nondeterminism, match="other_child"):
        check_determinism(main, seed=1)


def test_a_longer_run_differs_from_a_shorter_one():
    """If one run simply goes on, the other is said to have ended."""
    short, long = DetailedTape(), DetailedTape()
    long.note("more")
    with pytest.raises(Nondeterminism, match="the run has ended"):
        short.compare(long)
