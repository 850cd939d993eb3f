"""A live run in a script, and in a notebook, where a loop runs already."""

from __future__ import annotations

import asyncio
import signal
import threading

import pytest

from umt_sim.worlds.live.looping import run_to_end


async def _answer() -> tuple[int, threading.Thread]:
    await asyncio.sleep(0)
    return 42, threading.current_thread()


def test_in_a_script() -> None:
    """It runs here."""
    assert (42, threading.current_thread()) == run_to_end(_answer())


def test_where_a_loop_runs_already() -> None:
    """It runs beside; errors are its own."""

    async def fails() -> None:
        raise LookupError("its own")

    async def cell() -> None:
        answer, thread = run_to_end(_answer())
        assert 42 == answer
        assert thread is not threading.current_thread()
        with pytest.raises(LookupError, match="its own"):
            run_to_end(fails())

    asyncio.run(cell())


def test_an_interrupt_in_a_notebook_ends_it_in_good_order() -> None:
    """What it has in ``finally`` is done before the cell ends."""
    ended = []

    async def main() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def cell() -> None:
        with pytest.raises(KeyboardInterrupt):
            run_to_end(main())

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(cell())
    finally:
        loop.close()
        signal.signal(signal.SIGALRM, before)
    assert [True] == ended
