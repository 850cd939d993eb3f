"""The points of a sweep: every combination of the values that are to be tried."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Point", "edits", "points"]

_QUANTITY = re.compile(r"[0-9.]+ *(%|[A-Za-zµ]+|[A-Za-z]*/[a-z]+)")

Point = Mapping[str, Any]
"""Path of a value in the scenario to the value it has here."""


def points(sweep: Mapping[str, Sequence[Any]]) -> list[Point]:
    """
    Every combination, the last path changing fastest; one empty point for an empty sweep.

    Args:
        sweep: Path of a value to the values it takes in turn.
    """
    return [dict(zip(sweep, values, strict=True)) for values in itertools.product(*sweep.values())]


def edits(point: Point) -> tuple[str, ...]:
    """*point* as the edits that make it, ``path=value`` each."""
    return tuple(f"{path}={_written(value)}" for path, value in point.items())


def _written(value: Any) -> str:
    """*value* as YAML that is read back as the same: bare where that is safe, else as JSON."""
    bare = isinstance(value, str) and _QUANTITY.fullmatch(value) is not None
    return value if bare else json.dumps(value)
