"""
Our own servers as processes, where the real ones are missing.

    python -m umt_sim.worlds.live.programs.own rabbitmq 40001
    python -m umt_sim.worlds.live.programs.own rabbitmq 40001 3.13
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Literal

from umt_sim.servers.specs import Version
from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked

__all__ = ["Own", "serve"]

OwnKind = Literal["rabbitmq", "redis", "toxiproxy"]

GREETINGS = {
    "rabbitmq": (b"AMQP\x00\x00\x09\x01", b"\x01"),
    "redis": (b"PING\r\n", b"+PONG"),
    "toxiproxy": (b"GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n", b"HTTP/1."),
}
"""What is said to each of them, and how its answer begins."""


class Own:
    """
    One of our servers. It keeps nothing when its process ends.

    Args:
        kind: Which one.
        release: Which RabbitMQ it shall be; the newest when left out.
    """

    patience = 20.0
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, kind: OwnKind, release: Version | None = None) -> None:
        self._kind = kind
        self._release = release
        self.name = f"embedded {kind}"
        self.place = __name__

    def version(self) -> str:
        """Our own release, so labelled that nobody takes it for the real server's."""
        return f"embedded (umt-sim {version('umt-sim')})"

    def prepare(self, home: Path, port: int) -> Launch:
        """It writes nothing."""
        del home
        release = [self._release] if self._release is not None else []
        return Launch([sys.executable, "-m", __name__, self._kind, str(port), *release])

    def answers(self, port: int) -> bool:
        """Whether it answers in its protocol."""
        question, answer = GREETINGS[self._kind]
        return asked(port, question).startswith(answer)


async def serve(kind: str, port: int, release: str = "4") -> None:
    """Serve until cancelled."""
    match kind:
        case "rabbitmq":
            from umt_sim.servers.rabbitmq import RULES, RabbitMQ

            broker = RabbitMQ(
                rules=RULES[release],
                stream=Random(port),
                wall_clock=lambda: datetime.now(UTC),
                accounts={"umt": "umt"},
            )
            await broker.start(LOOPBACK, port)
        case "redis":
            from umt_sim.servers.capacity import Instant
            from umt_sim.servers.redis import Redis

            cache = Redis(capacity=Instant(), clock=time.time, stream=Random(port))
            await cache.start(LOOPBACK, port)
        case "toxiproxy":
            from umt_sim.network.toxiproxy import server

            await server.serve(LOOPBACK, port, stream=lambda path: Random(f"{port}:{path}"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
