"""``doctor`` tells what is here and what was left, to people and to programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from umt_sim.cli.app import app
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.undo import RemoveFolder


def doctor(*words: str) -> Any:
    found = CliRunner().invoke(app, ["doctor", *words])
    assert found.exit_code in (0, 3), found.output
    return found.output


def _left(folder: Path, *, standing: bool = False) -> None:
    """A ledger whose owner was killed after it had made *folder*."""
    ledger = Ledger.new(standing=standing)
    ledger.note(RemoveFolder(str(folder)))
    folder.mkdir()
    ledger.leave()


@pytest.mark.usefixtures("state")
def test_json_has_what_the_text_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is missing has no ``found`` and the command that installs it."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("GOBIN", "/nowhere")
    monkeypatch.delenv("TOXIPROXY_SERVER", raising=False)
    _left(tmp_path / "killed")
    _left(tmp_path / "asked", standing=True)
    told = json.loads(doctor("--json"))
    checks = {check["name"]: check for check in told["checks"]}
    assert "live system" == checks["toxiproxy"]["needed"]
    assert checks["toxiproxy"]["found"] is None
    assert checks["toxiproxy"]["remedy"].startswith("go install ")
    assert checks["python"]["found"]
    assert [f"remove folder {tmp_path}/killed"] == told["left"]
    assert [f"remove folder {tmp_path}/asked"] == told["standing"]
    text = doctor()
    assert checks["toxiproxy"]["remedy"] in text
    assert f"to undo it: umt-sim doctor --clean\n  remove folder {tmp_path}/killed" in text


@pytest.mark.usefixtures("state")
def test_clean_leaves_the_living_and_the_standing_alone(ledger: Ledger, tmp_path: Path) -> None:
    """Only what killed runs have left is undone."""
    living, killed, standing = (tmp_path / name for name in ("living", "killed", "standing"))
    ledger.note(RemoveFolder(str(living)))
    living.mkdir()
    _left(killed)
    _left(standing, standing=True)
    assert {"undone": [f"remove folder {killed}"]} == json.loads(doctor("--clean", "--json"))
    assert [True, False, True] == [path.exists() for path in (living, killed, standing)]
    assert {"undone": []} == json.loads(doctor("--clean", "--json"))
