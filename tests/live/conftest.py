"""What live tests need: servers that are installed, and a ledger that is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from umt_sim.worlds.live.inspection import inspect
from umt_sim.worlds.live.ledger import Ledger


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this test's ledgers."""
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("UMT_SIM_STATE", str(folder))
    return folder


@pytest.fixture
def ledger(state: Path) -> Iterator[Ledger]:
    """The ledger of a run that goes on."""
    del state  # it is kept there
    with Ledger.new() as ledger:
        yield ledger


@pytest.fixture
def real_toxiproxy() -> None:
    """Skips where the real Toxiproxy is missing."""
    _insist("toxiproxy")


@pytest.fixture
def real_servers() -> None:
    """Skips where one of the real servers is missing."""
    _insist("rabbitmq", "postgres", "redis", "toxiproxy")


def _insist(*names: str) -> None:
    for finding in inspect():
        if finding.name in names and finding.provider == "system" and finding.found is None:
            pytest.skip(f"{finding.name} is missing: {finding.remedy}")
