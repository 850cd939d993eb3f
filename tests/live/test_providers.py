"""Runs with servers that need no installation, and with servers that were left running."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.live.runs import anything_left, umt_sim
from umt_sim.bootstrap import Supply, run
from umt_sim.journal.records import FaultRecord, OperationRecord, Outcome
from umt_sim.worlds.live.ledger import ledgers
from umt_sim.worlds.live.processes import Process
from umt_sim.worlds.live.undo import EndProcess, RemoveFolder

BROWNOUT = Path(__file__).parents[2] / "scenarios" / "broker-brownout.yaml"
BRIEF = (
    "clock={duration: 6s, warmup: 1s, drain: 3s}",
    "faults.brownout.at=3s",
    "faults.brownout.for=2s",
    "expect=[]",
)


def _worked(result: Any) -> None:
    """Whether content was created and the fault met it."""
    operations = result.journal.of(OperationRecord)
    assert any(o.name == "create_content" and o.outcome is Outcome.OK for o in operations)
    (fault,) = result.journal.of(FaultRecord)
    assert 1 <= fault.connections_touched
    assert 1 <= fault.bytes_touched


def test_embedded_says_so_everywhere(state: Path, tmp_path: Path) -> None:
    """Our own servers are never taken for the real ones: header, stored run, command line."""
    supply = Supply(provider="embedded")
    result = run(BROWNOUT, world="live", overrides=BRIEF, supply=supply, folder=tmp_path / "run")
    _worked(result)
    versions = result.journal.header["versions"]
    assert "embedded" == versions["provider"]
    for name in ("rabbitmq", "redis", "toxiproxy"):
        assert re.fullmatch(r"embedded \(umt-sim [\d.]+\)", versions[name])
    assert re.match(r"\d+\.\d+", versions["postgres"])
    assert "live world (embedded)" in umt_sim(state, "show", str(tmp_path / "run")).stdout
    assert [] == list(state.iterdir())


@pytest.mark.live
@pytest.mark.usefixtures("real_servers")
def test_up_run_down(state: Path) -> None:
    """What ``up`` prints is what ``run`` takes; two runs share the servers; ``down`` ends all."""
    started = umt_sim(state, "up", "--provider", "system")
    assert 0 == started.returncode, started.stderr
    (ledger,) = ledgers(standing=True)
    steps = ledger.steps
    ledger.leave()
    processes = [Process(s.pid, s.started) for s in steps if isinstance(s, EndProcess)]
    assert 4 == sum(process.alive for process in processes)
    assert "umt-sim down" in umt_sim(state, "doctor").stdout

    endpoints = dict(re.findall(r"--endpoint (\S+)=(\S+)", started.stdout))
    assert {"rabbitmq", "rabbitmq-management", "postgres", "redis", "toxiproxy"} == set(endpoints)
    result = run(BROWNOUT, world="live", overrides=BRIEF, supply=Supply("external", endpoints))
    _worked(result)
    assert "external" == result.journal.header["versions"]["provider"]

    stopped = umt_sim(state, "down")
    assert 0 == stopped.returncode
    folder = next(Path(s.path) for s in steps if isinstance(s, RemoveFolder))
    assert [] == anything_left(state, folder, processes, [int(endpoints["redis"].split(":")[1])])
    assert "nothing was running\n" == umt_sim(state, "down").stdout
