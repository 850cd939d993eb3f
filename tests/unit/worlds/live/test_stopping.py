"""Signals that end a program end a live run in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from umt_sim.worlds.live.stopping import terminated_like_interrupted


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The signals as they were, whatever a test does."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_the_end_of_a_program_interrupts_it(number: signal.Signals, ctrl_c: object) -> None:
    """Also where Ctrl-C is ignored, as in a job in the background."""
    signal.signal(signal.SIGINT, ctrl_c)  # type: ignore[arg-type]  # both are handlers
    signal.signal(number, signal.SIG_DFL)
    with pytest.raises(KeyboardInterrupt), terminated_like_interrupted():
        signal.raise_signal(number)
    assert signal.SIG_DFL is signal.getsignal(number)


def test_who_has_decided_otherwise_is_left_alone() -> None:
    """As with nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with terminated_like_interrupted():
        signal.raise_signal(signal.SIGHUP)
    assert signal.SIG_IGN is signal.getsignal(signal.SIGHUP)
