"""Frames of a stored run are those of the run itself."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from tests.fakes.journals import journal
from tests.unit.journal.test_storage import EVERYTHING
from umt_sim.analysis import Result
from umt_sim.analysis.frames import Tabular, records_frame
from umt_sim.errors import JournalError
from umt_sim.journal import storage
from umt_sim.journal.records import OperationRecord, SpanRow


@pytest.mark.parametrize("kind", get_args(Tabular), ids=lambda kind: str(kind.__name__))
def test_columns_from_disk_are_columns_of_records(kind: type, tmp_path: Path) -> None:
    """Names, types and values, to the last bit; ``None`` apart from empty text."""
    kept = journal(*EVERYTHING)
    storage.save(kept, tmp_path)
    pd.testing.assert_frame_equal(
        records_frame(kept, kind), records_frame(storage.load(tmp_path), kind), check_exact=True
    )


def test_spans_are_read_without_their_records(tmp_path: Path) -> None:
    """The frame of a stored run leaves the other tables alone."""
    storage.save(journal(*EVERYTHING), tmp_path)
    stored = Result.load(tmp_path)
    assert ["work"] == stored.spans["name"].tolist()
    assert {} == stored.journal._records


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """Cut short, it is an error with its path."""
    storage.save(journal(*EVERYTHING), tmp_path)
    table = tmp_path / "span_row.csv.gz"
    table.write_bytes(table.read_bytes()[:-12])
    with pytest.raises(JournalError, match=r"span_row\.csv\.gz is damaged"):
        records_frame(storage.load(tmp_path), SpanRow)


def test_a_cell_that_is_no_number_is_damage_of_its_table(tmp_path: Path) -> None:
    """Not an error from the depths of the reader."""
    storage.save(journal(*EVERYTHING), tmp_path)
    table = tmp_path / "operation_record.csv.gz"
    text = gzip.decompress(table.read_bytes())
    table.write_bytes(gzip.compress(text.replace(b"ask,0.1", b"ask,soon")))
    with pytest.raises(JournalError, match=r"operation_record\.csv\.gz is damaged: .*'soon'"):
        records_frame(storage.load(tmp_path), OperationRecord)
