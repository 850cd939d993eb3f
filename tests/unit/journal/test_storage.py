"""A run folder gives back the journal that was put in, record by record."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from tests.fakes.journals import journal
from umt_sim.errors import JournalError
from umt_sim.journal import storage
from umt_sim.journal.records import (
    BreakerEvent,
    BreakerSnapshot,
    EffectRecord,
    FaultRecord,
    LogLine,
    MessageEvent,
    MessageFate,
    Observation,
    OperationRecord,
    Outcome,
    QueueSample,
    Record,
    ResourceSample,
    RetryEvent,
    SpanRow,
    StationTotals,
    UnhandledError,
)

EVERYTHING = (
    OperationRecord(0, "ask", 0.1, 0.2, 0.30000000000000004, Outcome.OK, value="a,b\n'c'"),
    OperationRecord(1, "ask", 1e-9, None, None, None, error="", detail='""', trace_id=None),
    MessageEvent(1.5, MessageFate.DEAD_LETTERED, "m", "ex", "key", redelivered=True, size=7),
    SpanRow(
        "t", "s", None, "work", "consumer", "agent", 1.0, 2.5, "error", "ValueError",
        {"n": 1, "share": 0.5, "text": "ünï", "list": ["a", "b"]},
        ((1.25, "retry", {"attempt": 2}),),
        (("t2", "s2"),),
    ),
    BreakerEvent(2.0, "llm", "state_transition", "closed", "open"),
    BreakerSnapshot(3.0, "llm", "open", 50.0, None, 20, 10, 0, 3),
    EffectRecord(3.5, "content.created", "key"),
    Observation(3.6, "pool_waiters", 2.5),
    RetryEvent(4.0, "llm", 1, 0.1, "PortTimeout"),
    FaultRecord("down", "down", "db", 5.0, None, 10, 2),
    QueueSample(6.0, "mq", "q", 1, 2, 3, None),
    ResourceSample(7.0, "db", 1, 0, 8),
    StationTotals(7.5, "db", 4, 2, 0, 1, 0, 1, 0.5, 3.25, 0.5, 3.25),
    LogLine(8.0, "umt", "INFO", "hello", None, "s"),
    UnhandledError(9.0, "task", "ValueError", "no", "Traceback\n  line"),
)  # fmt: skip


def test_every_kind_of_record_comes_back_as_it_was(tmp_path: Path) -> None:
    """Floats to the last bit, ``None`` apart from empty text, nested values as they were."""
    kept = journal(*EVERYTHING, plan={"name": "x", "errors": {"429": "1%"}}, tape_hash=None)
    storage.save(kept, tmp_path)
    found = storage.load(tmp_path)
    assert kept.header == found.header
    for kind in get_args(Record):
        assert kept.of(kind) == found.of(kind), kind


def test_the_sample_above_has_every_kind_of_record() -> None:
    """A new kind must be stored too; phases are in every journal."""
    kinds = {type(record) for record in EVERYTHING} | {type(r) for r in _phases()}
    assert set(get_args(Record)) == kinds


def _phases() -> tuple[Record, ...]:
    from umt_sim.journal.records import PhaseRecord

    return journal().of(PhaseRecord)


def test_equal_journals_are_equal_files(tmp_path: Path) -> None:
    """No time stamp and no name gets into the tables."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        storage.save(journal(*EVERYTHING), folder)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_tables_are_plain_text(tmp_path: Path) -> None:
    """Any tool reads them."""
    storage.save(journal(EVERYTHING[0]), tmp_path)
    with gzip.open(tmp_path / "operation_record.csv.gz", "rt") as table:
        assert next(table).startswith("number,name,scheduled,started,completed,outcome,error")


def test_no_run_overwrites_another(tmp_path: Path) -> None:
    """A second run of one seed in one second gets a folder of its own."""
    at = datetime(2026, 11, 22, 18, 0, 5)  # noqa: DTZ001 - a name for people
    names = [storage.new_folder(tmp_path, "s", 7, at).name for _ in range(3)]
    assert names == ["20261122T180005-7", "20261122T180005-7-2", "20261122T180005-7-3"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "run.json").unlink(), "is not a run folder"),
        (lambda folder: (folder / "run.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "run.json").write_text('{"format": 99}'), "cannot read: 99"),
        (lambda folder: (folder / "run.json").write_text("[1]"), "it holds no mapping"),
        (
            lambda folder: (folder / "run.json").write_text('{"format": 1, "seed": "x"}'),
            "seed is not a whole number",
        ),
        (
            lambda folder: (folder / "run.json").write_text('{"format": 1, "plan": "x"}'),
            "plan is not a mapping",
        ),
        (
            lambda folder: (folder / "operation_record.csv.gz").write_bytes(b"no gzip"),
            "operation_record.csv.gz is damaged",
        ),
        (
            lambda folder: (folder / "operation_record.csv.gz").write_bytes(
                gzip.compress(b"number,name\n1,x\n")
            ),
            "other columns",
        ),
    ],
)
def test_a_spoiled_folder_is_refused(tmp_path: Path, spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    """The message names the file."""
    storage.save(journal(EVERYTHING[0]), tmp_path)
    spoil(tmp_path)
    with pytest.raises(JournalError, match=message):
        storage.load(tmp_path)


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    """Nor is a folder in the place of its description."""
    (tmp_path / "note").write_text("hello")
    with pytest.raises(JournalError, match="is not a run folder"):
        storage.load(tmp_path / "note")
    (tmp_path / "run.json").mkdir()
    with pytest.raises(JournalError, match="is damaged"):
        storage.load(tmp_path)


def test_a_row_with_too_few_cells_is_named(tmp_path: Path) -> None:
    """And so is one that a disk error has garbled."""
    storage.save(journal(EVERYTHING[0]), tmp_path)
    table = tmp_path / "operation_record.csv.gz"
    text = gzip.decompress(table.read_bytes())
    table.write_bytes(gzip.compress(text + b"7,x\n"))
    with pytest.raises(JournalError, match="a row has 2 cells instead of 10"):
        storage.load(tmp_path).of(OperationRecord)
    noise = gzip.compress(text + bytes(range(256)) * 400)
    table.write_bytes(noise[:300] + b"\0" * 200 + noise[500:])
    with pytest.raises(JournalError, match="is damaged"):
        storage.load(tmp_path).of(OperationRecord)
