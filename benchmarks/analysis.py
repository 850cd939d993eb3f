"""
What it costs to open and draw a run of a million spans.

    python benchmarks/analysis.py [spans]

Writes the run first; each step is then measured in a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from umt_sim.journal import storage
from umt_sim.journal.recorder import Journal, Recorder
from umt_sim.journal.records import OperationRecord, Outcome, PhaseRecord, SpanRow

EACH = 5
WORK = {"messaging.system": "rabbitmq", "messaging.destination.name": "x:tasks:worker"}
SPANS = (
    ("create", "internal", {}),
    ("publish tasks", "producer", {"messaging.system": "rabbitmq"}),
    ("process tasks", "consumer", WORK),
    ("GET", "client", {"db.system.name": "redis", "server.address": "redis"}),
    ("INSERT", "client", {"db.system.name": "postgresql", "server.address": "postgres"}),
)


def journal(spans: int) -> Journal:
    """Requests of five spans each, 300 a second, with message ids that are all different."""
    stream, recorder, at = Random(1), Recorder(lambda: 0.0), 0.0
    for number in range(spans // EACH):
        at += 0.003
        took = stream.expovariate(10)
        trace = f"{stream.getrandbits(128):032x}"
        parent = None
        for step, (name, kind, attributes) in enumerate(SPANS):
            span, start = f"{stream.getrandbits(64):016x}", at + took * step / 6
            own = attributes | ({"messaging.message.id": span} if kind == "consumer" else {})
            recorder.add(
                SpanRow(
                    trace, span, parent, name, kind, "shop", start, at + took, "unset", None, own
                )
            )
            parent = span
        ended = at + took
        recorder.add(
            OperationRecord(number, "create", at, at, ended, Outcome.OK, None, None, trace)
        )
    recorder.add(PhaseRecord("measure", 0.0, at))
    return recorder.close({"scenario": "many", "seed": 1, "world": "sim", "plan": {}})


def measure(folder: str) -> None:
    """Open, take the spans, draw; print seconds and megabytes."""
    from umt_sim.analysis import Result

    def step(name: str, since: float) -> float:
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:24}{now - since:8.2f} s{peak:10.0f} MB at most")
        return now

    began = time.perf_counter()
    result = Result.load(folder)
    spans = result.spans
    began = step(f"{len(spans):,} spans to a frame", began)
    result.plot().savefig(Path(folder) / "figure.png")
    began = step("overview", began)
    result.summary()
    step("summary", began)


def main() -> None:
    if len(sys.argv) == 3:
        measure(sys.argv[2])
        return
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        storage.save(journal(spans), Path(folder))
        subprocess.run([sys.executable, __file__, "measure", folder], check=True)


if __name__ == "__main__":
    main()
