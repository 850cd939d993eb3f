"""Options of the whole suite."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

DATA = Path(__file__).parent / "data"
NOTEBOOKS = Path(__file__).parent / "notebooks"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vectors",
        metavar="FILE",
        default=str(DATA / "toxic_vectors.json"),
        help="vectors for toxics or for circuit breakers; a file is used by the suite it is about",
    )
    parser.addoption(
        "--scenarios",
        metavar="FILE",
        help="recorded scenarios for circuit breakers, besides those in tests/data",
    )
    parser.addoption(
        "--ground-truth",
        metavar="FILE",
        default=str(DATA / "ground_truth.json"),
        help="known values of breakers, retries and backoff for tests/experiments",
    )
    parser.addoption(
        "--world",
        choices=("sim", "live"),
        default="sim",
        help="where the integration tests of tests/architecture run: simulated or real servers",
    )
    parser.addoption(
        "--campaign",
        action="store_true",
        help="run the long tests at full length",
    )


def pytest_configure() -> None:
    """
    Let Ctrl-C be heard, whoever started the tests.

    A shell's ``&`` makes a command and all that it starts ignore it, and with it the commands
    that tests interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest, for what is long should not be last; leave out campaigns."""
    items.sort(key=lambda item: NOTEBOOKS not in item.path.parents)
    if config.getoption("campaign"):
        return
    skip = pytest.mark.skip(reason="long; run with --campaign")
    for item in items:
        if item.get_closest_marker("campaign"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where real servers are required, a live test that skips has failed."""
    report = yield
    required = os.environ.get("UMT_SIM_REQUIRE_LIVE") == "1"
    left_out = item.get_closest_marker("campaign") and not item.config.getoption("campaign")
    if required and not left_out and report.skipped and item.get_closest_marker("live"):
        report.outcome = "failed"
        report.longrepr = f"required here (UMT_SIM_REQUIRE_LIVE=1): {report.longreprtext}"
    return report


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """
    Keep each test from depending on what another left behind.

    A scenario's own system puts the working directory on the path, as ``python -m`` would: taken
    back. The environment and the working directory are for the test to take back.
    """
    path, before = list(sys.path), _surroundings()
    yield
    sys.path[:] = path
    assert before == _surroundings(), "this test left environment or working directory changed"


def _surroundings() -> tuple[Path, dict[str, str]]:
    """The working directory and the environment, without what pytest writes there itself."""
    variables = dict(os.environ)
    variables.pop("PYTEST_CURRENT_TEST", None)
    return Path.cwd(), variables


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> bool:
    """Whether the long tests run at full length."""
    return bool(request.config.getoption("campaign"))
