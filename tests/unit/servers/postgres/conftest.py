"""An engine for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.postgres.places import OursInVirtualTime
from umt_sim.servers.postgres import Engine, recipe


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A running engine; whoever changes its data makes them fresh first."""
    with Engine(recipe()) as running:
        yield running


@pytest.fixture
def ours(engine: Engine) -> OursInVirtualTime:
    """Runs a case against our server in virtual time, on fresh data."""
    return OursInVirtualTime(engine)
