"""Tables have the columns and types that the documentation says, and join by their ids."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from tests.fakes.journals import journal
from tests.unit.journal.test_storage import EVERYTHING
from umt_sim.analysis import Result
from umt_sim.analysis.frames import Tabular

PAGE = (Path(__file__).parents[3] / "docs" / "results.md").read_text(encoding="utf-8")
SECTIONS = dict(
    re.findall(r"^### `result\.(\w+)`\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)
TEXT = pd.Series(["text"]).dtype
TYPES = {"float64": "number", "int64": "whole", "bool": "flag"}


def documented(name: str) -> dict[str, str]:
    """Each column of a table on the page, with its type."""
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", SECTIONS[name], re.MULTILINE))


def words(dtype: Any) -> set[str]:
    """What the page may call a column's type; text is an object to some versions of pandas."""
    text = {"text", str(dtype)} if dtype == TEXT else set()
    return text or {TYPES.get(str(dtype), "object")}


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize(
    "result",
    [Result(journal()), Result(journal(*EVERYTHING))],
    ids=["without rows", "with rows"],
)
def test_tables_are_as_documented(name: str, result: Result) -> None:
    """The same columns in the same order with the same types, whether there are rows or not."""
    frame, said = getattr(result, name), documented(name)
    assert [*said] == frame.columns.tolist()
    assert {} == {
        column: dtype for column, dtype in frame.dtypes.items() if said[column] not in words(dtype)
    }


def test_every_table_is_documented() -> None:
    """One section for each kind of record that people read as a table."""
    assert len(get_args(Tabular)) == len(SECTIONS)


def test_attributes_of_spans_become_columns() -> None:
    """Beside the span's id; what a span has not is missing."""
    result = Result(journal(*EVERYTHING))
    (attributes,) = result.spans["attributes"]
    every = result.span_attributes()
    assert ["span_id", *attributes] == every.columns.tolist()
    chosen = result.span_attributes(next(iter(attributes)), "db.system.name")
    assert chosen["db.system.name"].isna().all()
    assert 1 == len(result.spans.merge(chosen, on="span_id"))
