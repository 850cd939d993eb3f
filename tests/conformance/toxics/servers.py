"""The Toxiproxy servers that the real-socket tests are played through, ours and the real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conformance.real_time import precedence
from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, Program
from umt_sim.worlds.live.programs.own import Own
from umt_sim.worlds.live.programs.toxiproxy import Toxiproxy
from umt_sim.worlds.live.servers import one_server

SEED = "42"


class StandIn(Own):
    """``umt-sim toxiproxy``, as a user starts it."""

    def __init__(self) -> None:
        super().__init__("toxiproxy")

    def prepare(self, home: Path, port: int) -> Launch:
        """The command itself, with a seed."""
        command = [sys.executable, "-m", "umt_sim.cli", "toxiproxy"]
        return Launch([*command, "--host", LOOPBACK, "--port", str(port), "--seed", SEED])


class Seeded(Toxiproxy):
    """A real server that is told a seed, too."""

    def prepare(self, home: Path, port: int) -> Launch:
        """As ever, with the seed."""
        return Launch([*super().prepare(home, port).command, "-seed", SEED])


def real() -> Seeded:
    """The installed Toxiproxy; without one the test is skipped."""
    program = Toxiproxy.find()
    if program is None:
        pytest.skip(
            "no Toxiproxy server: set TOXIPROXY_SERVER, or"
            " `go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0`"
        )
    return Seeded(program.place)


@contextmanager
def running(program: Program) -> Iterator[str]:
    """A server; gives the address of its API."""
    with ExitStack() as stack:
        with precedence():  # its process inherits it
            server = stack.enter_context(one_server(program))
        yield f"http://{server.host}:{server.port}"
