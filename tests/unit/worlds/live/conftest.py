"""A ledger and a PATH of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.docker import FakeDocker
from umt_sim.worlds.live.ledger import Ledger


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this test's ledgers."""
    monkeypatch.setenv("UMT_SIM_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger.new() as ledger:
        yield ledger


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    folder = tmp_path / "bin"
    folder.mkdir()
    return FakeDocker(folder, monkeypatch)
