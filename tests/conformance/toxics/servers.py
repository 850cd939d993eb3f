"""The Toxiproxy servers that the real-socket tests are played through, ours and the real one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.programs.toxiproxy import Toxiproxy
from umt_sim.worlds.live.servers import one_server


@contextmanager
def toxiproxy(program: Toxiproxy | Own) -> Iterator[str]:
    """A server; gives the address of its API."""
    with one_server(program) as server:
        yield f"http://{server.host}:{server.port}"


@contextmanager
def stand_in() -> Iterator[str]:
    """Our server, in a process of its own; gives the address of its API."""
    with toxiproxy(Own("toxiproxy")) as url:
        yield url
