"""The places where the cases of this folder run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.postgres.places import OursInVirtualTime, RealServer
from umt_sim.servers.postgres import Engine, recipe
from umt_sim.servers.postgres.binaries import find_binaries


@pytest.fixture(scope="session")
def ours() -> Iterator[OursInVirtualTime]:
    """Our server; its engine is shared by the cases, its data are not."""
    with Engine(recipe()) as engine:
        yield OursInVirtualTime(engine)


@pytest.fixture(scope="session")
def the_engine_itself() -> Iterator[RealServer]:
    """The same PostgreSQL with nothing of ours in between; real time, so by campaign only."""
    with Engine(port=0) as engine:
        yield RealServer(engine)


@pytest.fixture(scope="session")
def the_systems() -> Iterator[RealServer]:
    """The PostgreSQL of this machine's distribution."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"))
    if not packaged:
        pytest.skip("the live cases need an installed PostgreSQL")
    with Engine(binaries=find_binaries(packaged[-1]), port=0) as engine:
        yield RealServer(engine)


@pytest.fixture(
    params=[
        "ours",
        pytest.param("the_engine_itself", marks=[pytest.mark.live, pytest.mark.campaign]),
        pytest.param("the_systems", marks=pytest.mark.live),
    ]
)
def place(request: pytest.FixtureRequest) -> OursInVirtualTime | RealServer:
    """Everywhere a case has to hold."""
    found: OursInVirtualTime | RealServer = request.getfixturevalue(request.param)
    return found
