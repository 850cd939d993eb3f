"""
A link: one direction of one proxied connection.

    source -> reader -> noop -> toxic 1 -> ... -> toxic k -> writer -> sink

The reader reads up to 32768 bytes when the first stage has taken what it read
before, so everything else stays in the source's buffers and is merged. The
writer writes one chunk after the other and at the end closes the sink, both
directions of it: a proxy knows no half-closed connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from umt_sim.network.channel import Channel, Chunk
from umt_sim.network.ground import Clock, Endpoint
from umt_sim.network.routine import Routine, Steps, Wake
from umt_sim.network.stage import Stage
from umt_sim.network.toxic import Toxic

if TYPE_CHECKING:
    from random import Random

__all__ = ["Link"]

CHUNK = 32768  # bytes: the most one read takes


class Link:
    """
    Moves bytes from *source* to *sink* through the stages of *toxics*.

    Args:
        source: Where bytes come from.
        sink: Where they go.
        toxics: The chain at this moment, the hidden noop first.
        clock: Stamps chunks and rings the toxics' alarms.
        connection: Number of the connection.
        draws: Gives the random stream of a toxic on a connection.
        on_end: Called when the sink was closed.

    Attributes:
        carried: Bytes read from the source so far.
    """

    def __init__(
        self,
        source: Endpoint,
        sink: Endpoint,
        toxics: Sequence[Toxic],
        clock: Clock,
        connection: int,
        draws: Callable[[Toxic, int], Random],
        on_end: Wake,
    ) -> None:
        self._source = source
        self._sink = sink
        self._clock = clock
        self._connection = connection
        self._draws = draws
        self._on_end = on_end
        self.carried = 0
        self._writing = False
        self._first = Channel()
        self._stages: list[Stage] = []
        inlet = self._first
        for index, toxic in enumerate(toxics):
            ahead = toxics[index + 1].pipe.buffer if index + 1 < len(toxics) else 0
            outlet = Channel(ahead)
            self._stages.append(self._stage(toxic, inlet, outlet))
            inlet = outlet
        self._last = inlet

    def start(self) -> None:
        """Begin to read, and run every stage."""
        if any(stage.toxic.pipe.resets for stage in self._stages):
            self._source.reset_on_close()
            self._sink.reset_on_close()
        writer = Routine(self._write)
        self._last.wake_reader = writer.wake
        for stage in self._stages:
            stage.start()
        reader = Routine(self._read)
        self._first.wake_sender = reader.wake
        writer.wake()
        reader.wake()

    # Changes on the live link. Each is a story that may have to wait for a stage to stop.

    def add(self, toxic: Toxic, wake: Wake) -> Steps[None]:
        """Append a stage; the one that was last is interrupted and started again."""
        last = self._stages[-1]
        between = Channel(toxic.pipe.buffer)
        added = self._stage(toxic, between, last.outlet)
        self._stages.append(added)
        if (yield from self._interrupted(last, wake)):
            last.outlet = between
            added.start()
            last.start()
        else:
            added.closed = True  # the link is over, and its outlet closed already

    def update(self, toxic: Toxic, wake: Wake) -> Steps[None]:
        """Interrupt the toxic's stage and start it again, with new settings and a new draw."""
        stage = self._stage_of(toxic)
        if (yield from self._interrupted(stage, wake)):
            stage.start()

    def remove(self, toxic: Toxic, wake: Wake) -> Steps[None]:
        """Take a stage out. Its queue goes on at once; the stage before is started again."""
        stage = self._stage_of(toxic)
        if not (yield from self._interrupted(stage, wake)):
            return
        toxic.pipe.remove(stage)
        if stage.closed:
            return
        previous = self._stages[self._stages.index(stage) - 1]
        stage.inlet.wake_reader = stage.outlet.wake_sender = wake
        previous.interrupt(wake)
        # The stage before may be waiting for room, and must be relieved before it can stop.
        while stage.inlet.queue or previous.running or previous.closed:
            if stage.inlet.queue:
                yield from stage.send(stage.inlet.take())
            elif stage.inlet.closed:
                stage.close()
                return
            else:
                yield
        previous.outlet = stage.outlet
        self._stages.remove(stage)
        previous.start()

    # Machinery

    def _stage(self, toxic: Toxic, inlet: Channel, outlet: Channel) -> Stage:
        return Stage(toxic, inlet, outlet, self._clock, self._connection, self._draws)

    def _stage_of(self, toxic: Toxic) -> Stage:
        return next(stage for stage in self._stages if stage.toxic is toxic)

    @staticmethod
    def _interrupted(stage: Stage, wake: Wake) -> Steps[bool]:
        """Stop *stage*; false if it has closed and there is nothing left to change."""
        stage.interrupt(wake)
        while stage.running:
            yield
        return not stage.closed

    @property
    def _clear(self) -> bool:
        """Whether nothing is between reader and writer that could delay or hold a chunk."""
        return (
            len(self._stages) == 1
            and not self._first.queue
            and not self._last.queue
            and not self._writing
            and not self._last.closed
        )

    def _read(self, wake: Wake) -> Steps[None]:
        source, first = self._source, self._first
        while True:
            try:
                data = source.read(CHUNK)
            except OSError:
                break
            if data is None:
                source.when_readable(wake)
                yield
                continue
            if not data:
                break
            self.carried += len(data)
            if self._clear and not (data := self._write_through(data)):
                continue
            first.put(Chunk(data, self._clock.now()))
            while first.full:
                yield
        first.close()

    def _write_through(self, data: bytes) -> bytes:
        """Write past the stages; what did not fit, or met an error, must go through them."""
        try:
            return data[self._sink.write(data) :]
        except OSError:
            return data

    def _write(self, wake: Wake) -> Steps[None]:
        last = self._last
        try:
            while last.queue or not last.closed:
                if last.queue:
                    self._writing = True
                    yield from self._write_out(last.take().data, wake)
                    self._writing = False
                else:
                    yield
        except OSError:
            pass  # the destination is gone; what is still in the stages is lost
        last.abandon()
        self._sink.close()
        self._on_end()

    def _write_out(self, data: bytes, wake: Wake) -> Steps[None]:
        while data:
            written = self._sink.write(data)
            data = data[written:]
            if data:
                self._sink.when_writable(wake)
                yield
