"""A run's traces open in other people's viewers."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from umt_sim.analysis.otlp import write_otlp
from umt_sim.cli.app import app
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import SpanRow
from umt_sim.journal.storage import save

ROOT = SpanRow("a" * 32, "b" * 16, None, "create", "client", "umt", 1.5, 2.0, "ok", None)
HANDLER = SpanRow(
    "a" * 32,
    "c" * 16,
    "b" * 16,
    "process",
    "consumer",
    "umt",
    1.6,
    1.9,
    "error",
    "NotFound",
    {"messaging.destination.name": "umt.tasks:x:umt.content-creation"},
    ((1.7, "umt.retry", {"umt.retry.attempt": 1}),),
    (("a" * 32, "b" * 16),),
)


def test_spans_are_written_by_the_program_they_belong_to(tmp_path: Path) -> None:
    """Seconds of the run become nanoseconds from the beginning of 2026 on."""
    path = tmp_path / "traces.json"
    assert 2 == write_otlp(Journal({"scenario": "s"}, {SpanRow: (ROOT, HANDLER)}), path)
    client, agent = json.loads(path.read_text())["resourceSpans"]
    names = [found["resource"]["attributes"][0]["value"] for found in (client, agent)]
    assert [{"stringValue": "umt"}, {"stringValue": "umt.content-creation"}] == names
    (root,) = client["scopeSpans"][0]["spans"]
    (handler,) = agent["scopeSpans"][0]["spans"]
    assert "1767225601500000000" == root["startTimeUnixNano"]
    assert ("b" * 16, 5) == (handler["parentSpanId"], handler["kind"])
    assert {"code": 2, "message": "NotFound"} == handler["status"]
    (event,) = handler["events"]
    assert ("umt.retry", "1767225601700000000") == (event["name"], event["timeUnixNano"])


def test_a_stored_run_is_exported_by_a_command(tmp_path: Path) -> None:
    """``umt-sim export RUN --otlp FILE`` says how many spans it wrote, and where."""
    folder, path = tmp_path / "run", tmp_path / "traces.json"
    folder.mkdir()
    save(Journal({"scenario": "s"}, {SpanRow: (ROOT, HANDLER)}), folder)
    said = CliRunner().invoke(app, ["export", str(folder), "--otlp", str(path)])
    assert (0, f"2 spans: {path}\n") == (said.exit_code, said.output)
    assert 2 == len(json.loads(path.read_text())["resourceSpans"])
