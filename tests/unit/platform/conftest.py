"""A PostgreSQL engine for the tests of the platform that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from umt_sim.servers.postgres import Engine, recipe


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine behind the simulated PostgreSQL; each test makes its data fresh."""
    with Engine(recipe()) as running:
        yield running
