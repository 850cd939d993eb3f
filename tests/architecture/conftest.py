"""Where the platform's integration tests run: simulated servers, or real ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.live_stage import LiveServers, live_servers, on_live_stage
from tests.fakes.stage import InWorld, on_stage
from umt_sim.errors import WorldUnavailable
from umt_sim.servers.postgres import Engine, recipe


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine behind the simulated PostgreSQL; each test makes its data fresh."""
    with Engine(recipe()) as running:
        yield running


@pytest.fixture(scope="session")
def live() -> Iterator[LiveServers]:
    """Real servers, started once."""
    try:
        with live_servers() as servers:
            yield servers
    except WorldUnavailable as missing:
        pytest.fail(f"--world live needs real servers: {missing}")


@pytest.fixture
def in_world(request: pytest.FixtureRequest) -> InWorld:
    """Runs a test's play in the world that was asked for with ``--world``."""
    if request.config.getoption("world") == "live":
        servers = request.getfixturevalue("live")
        return lambda play: on_live_stage(servers, play)
    engine = request.getfixturevalue("engine")
    return lambda play: on_stage(engine, play)
