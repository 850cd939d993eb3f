"""However a live run ends, nothing of it stays on the machine."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.live.runs import SMALL, Run, anything_left, umt_sim

pytestmark = pytest.mark.live

BROWNOUT = Path(__file__).parents[2] / "scenarios" / "broker-brownout.yaml"
AT_ONCE = ("--set", "clock.warmup=0s", "--set", "faults.brownout.at=0.5s")


@pytest.mark.usefixtures("real_servers")
def test_kill_9_in_mid_run_then_doctor_clean(state: Path) -> None:
    """The servers outlive their run; ``doctor --clean`` ends them, port mapper and all."""
    run = Run(BROWNOUT, state, *AT_ONCE, "--provider", "system")
    run.wait_for("toxic")
    run.process.kill()
    assert -signal.SIGKILL == run.ended()[0]
    folder, processes, ports = run.folder(), run.processes(), run.ports()
    assert 4 == sum(process.alive for process in processes)

    told = umt_sim(state, "doctor").stdout
    assert "umt-sim doctor --clean" in told
    cleaned = umt_sim(state, "doctor", "--clean")
    assert 0 == cleaned.returncode
    assert "remove toxic" in cleaned.stdout
    assert [] == anything_left(state, folder, processes, ports)
    assert "nothing was left\n" == umt_sim(state, "doctor", "--clean").stdout


@pytest.mark.usefixtures("real_toxiproxy")
def test_what_kill_9_left_is_undone_at_the_next_start(state: Path) -> None:
    """Whoever runs next cleans up first."""
    run = Run(SMALL, state, "--provider", "system")
    run.wait_for("proxy")
    run.process.kill()
    run.ended()
    folder, processes, ports = run.folder(), run.processes(), run.ports()
    second = Run(SMALL, state, "--provider", "system")
    second.wait_for("proxy")
    left = anything_left(state, folder, processes, ports)
    assert [] == [line for line in left if not line.startswith("ledger")]
    second.process.send_signal(signal.SIGINT)
    second.ended()


@pytest.mark.parametrize(
    ("number", "code", "moment"),
    [(signal.SIGINT, 130, "toxic"), (signal.SIGTERM, 143, "proxy")],
    ids=["Ctrl-C in mid-run", "SIGTERM while setting up"],
)
@pytest.mark.usefixtures("real_toxiproxy")
def test_a_signal_ends_a_run_in_good_order(
    state: Path, number: int, code: int, moment: str
) -> None:
    """Everything is undone, the verdict of what there is printed, and the exit code as usual."""
    run = Run(SMALL, state, "--provider", "system")
    run.wait_for(moment)
    folder, processes, ports = run.folder(), run.processes(), run.ports()
    run.process.send_signal(number)
    found, output = run.ended()
    assert code == found, output
    assert "slow-caller" in output
    assert [] == anything_left(state, folder, processes, ports)


@pytest.mark.usefixtures("real_toxiproxy")
def test_a_run_that_ends_by_itself_leaves_nothing(state: Path) -> None:
    """Neither toxic nor proxy nor server outlives its run."""
    short = ["clock.duration=2s", "faults.slow.for=0.5s"]
    run = Run(SMALL, state, *(word for edit in short for word in ("--set", edit)))
    run.wait_for("proxy")
    folder, processes, ports = run.folder(), run.processes(), run.ports()
    run.ended()
    assert [] == anything_left(state, folder, processes, ports)
