"""The vectors of the file named by ``--vectors``, and the servers they are played through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.toxics import servers
from tests.conformance.toxics.vectors import load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vector" in metafunc.fixturenames:
        vectors = load(metafunc.config.getoption("vectors"))
        metafunc.parametrize("vector", vectors, ids=[vector.id for vector in vectors])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the vectors on real sockets that were not met at once."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "missed":
                terminalreporter.write_line(f"{report.nodeid} was played again: {value}")


@pytest.fixture(scope="session")
def ours_url() -> Iterator[str]:
    """Address of the API of our stand-in."""
    with servers.running(servers.StandIn()) as url:
        yield url


@pytest.fixture(scope="session")
def real_url() -> Iterator[str]:
    """Address of the API of a real Toxiproxy."""
    with servers.running(servers.real()) as url:
        yield url


@pytest.fixture(scope="module", params=["ours", pytest.param("real", marks=pytest.mark.live)])
def api(request: pytest.FixtureRequest) -> str:
    """Address of a server's API: of our stand-in, then of the real one."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
