"""The worked example of the documentation: somebody's own service, tested by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "orders"


def test_the_order_service_survives_an_outage(tmp_path: Path) -> None:
    """The command passes in the folder of the example, and keeps the run."""
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "umt_sim.cli", "run", "scenarios/order-outage.yaml", "--json", "-q"),
            *("--runs", str(tmp_path)),
        ],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert "passed" == told["status"]
    assert (Path(told["folder"]) / "figure.png").exists()
