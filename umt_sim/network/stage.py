"""
A stage: one toxic at work on one link.

A stage takes chunks from its inlet, does what its pipe says and sends on what
is left. A change of the chain interrupts it: it stops at the next point where
its pipe waits for a chunk or holds one, and is started again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.network.channel import Channel, Chunk, Silence
from umt_sim.network.ground import Alarm, Clock
from umt_sim.network.pipes import NoopPipe
from umt_sim.network.routine import Routine, Steps, Wake, nobody

if TYPE_CHECKING:
    from random import Random

    from umt_sim.network.toxic import Toxic

__all__ = ["Stage"]


INSTANT = 5e-10  # seconds: less than the clock tells apart is a residue of arithmetic
_SPARED = NoopPipe()  # what a toxic does on a link that its toxicity spares


class Interrupted(Exception):
    """The stage was asked to stop while it waited for a chunk."""


class Stage:
    """
    One toxic on one link.

    Attributes:
        inlet, outlet: The channels before and after it.
        closed: It ended its outlet, for good.
        state: What the pipe keeps for this link; survives interruption.
    """

    __slots__ = (
        "_active",
        "_alarm",
        "_clock",
        "_connection",
        "_draws",
        "_interrupted",
        "_on_stop",
        "_random",
        "_rang",
        "_routine",
        "closed",
        "inlet",
        "outlet",
        "state",
        "toxic",
    )

    def __init__(
        self,
        toxic: Toxic,
        inlet: Channel,
        outlet: Channel,
        clock: Clock,
        connection: int,
        draws: Callable[[Toxic, int], Random],
    ) -> None:
        self.toxic = toxic
        self.inlet = inlet
        self.outlet = outlet
        self.closed = False
        self.state = toxic.pipe.fresh_state()
        self._clock = clock
        self._connection = connection
        self._draws = draws
        self._random: Random | None = None
        self._alarm: Alarm | None = None
        self._rang = False
        self._interrupted = False
        self._active = False
        self._on_stop: Wake = nobody
        self._routine: Routine | None = None

    # What a link does with a stage

    def start(self) -> None:
        """Draw the toxicity and run the pipe, or only pass on if the draw says so."""
        toxicity = self.toxic.toxicity
        self._active = toxicity >= 1 or (toxicity > 0 and self.random.random() < toxicity)
        self._interrupted = False
        self._routine = Routine(self._run, self._stopped)
        self.inlet.wake_reader = self.outlet.wake_sender = self._routine.wake
        self._routine.wake()

    def interrupt(self, on_stop: Wake) -> None:
        """Ask the stage to stop; *on_stop* is called when it did, or closed by itself."""
        if self.running:
            self._on_stop = on_stop
            self._interrupted = True
            self._wake()

    @property
    def running(self) -> bool:
        """Whether its pipe has not ended yet, by interruption or by closing."""
        return self._routine is not None and not self._routine.ended

    # What a pipe does with its stage

    @property
    def random(self) -> Random:
        """The draws of this toxic on this connection."""
        if self._random is None:
            self._random = self._draws(self.toxic, self._connection)
        return self._random

    def now(self) -> float:
        """The clock that chunks are stamped with."""
        return self._clock.now()

    def receive(self, within: float | None = None) -> Steps[Chunk | None]:
        """
        Wait for the next chunk; ``None`` is the end of the stream, as often as asked.

        Args:
            within: Longest wait in seconds; ``None`` waits for ever.

        Raises:
            Silence: Nothing came in that time.
        """
        inlet = self.inlet
        if within is not None and not inlet.queue:
            self._set_alarm(within)
        while not self._interrupted:
            if inlet.queue:
                self._cancel_alarm()
                chunk = inlet.take()
                self._touch(len(chunk.data))
                return chunk
            if inlet.closed:
                self._cancel_alarm()
                self._touch(0)
                return None
            if within is not None and self._rang:
                self._touch(0)
                raise Silence
            yield
        self._cancel_alarm()
        raise Interrupted

    def hold(self, seconds: float) -> Steps[bool]:
        """Wait *seconds*; false if the stage was interrupted meanwhile and should hurry."""
        if seconds < INSTANT:
            return True
        self._rang = False
        self._alarm = self._clock.ring_at(self._clock.now() + seconds, self._ring)
        while not self._rang:
            if self._interrupted:
                self._cancel_alarm()
                return False
            yield
        return True

    def pause(self, seconds: float) -> Steps[None]:
        """Wait *seconds*, whatever happens."""
        if seconds > 0:
            self._set_alarm(seconds)
            while not self._rang:
                yield

    def send(self, chunk: Chunk) -> Steps[None]:
        """Pass *chunk* on and wait until the next stage has room. Not interruptible."""
        outlet = self.outlet
        outlet.put(chunk)
        while outlet.full:
            yield

    def close(self) -> None:
        """End the stream after this stage; what still comes to it is lost."""
        if not self.closed:
            self.closed = True
            self.outlet.close()
            self.inlet.abandon()

    # Machinery

    def _run(self, _wake: Wake) -> Steps[None]:
        try:
            pipe = self.toxic.pipe if self._active else _SPARED
            yield from pipe.run(self)
        except Interrupted:
            pass

    def _stopped(self) -> None:
        on_stop, self._on_stop = self._on_stop, nobody
        on_stop()

    def _wake(self) -> None:
        if self._routine is not None:
            self._routine.wake()

    def _set_alarm(self, seconds: float) -> None:
        self._rang = False
        self._alarm = self._clock.call_at(self._clock.now() + seconds, self._ring)

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        self._rang = True
        self._wake()

    def _touch(self, size: int) -> None:
        if self._active:
            self.toxic.touched.meet(self._connection, size)
