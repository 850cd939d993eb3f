"""The ``seeds`` of a scenario: one run for each."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = ["Seeds", "seeds_of"]

_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST_SEEDS = 10_000


def seeds_of(value: object) -> list[int]:
    """
    The seeds that *value* stands for: ``1..20``, or a list of numbers.

    Raises:
        ValueError: It is neither, goes down, or has one twice.
    """
    if isinstance(value, str) and (match := _RANGE.fullmatch(value.strip())):
        first, last = int(match[1]), int(match[2])
        if first > last or last - first >= _MOST_SEEDS:
            raise ValueError(f"{value!r} must go up, by less than {_MOST_SEEDS}")
        return list(range(first, last + 1))
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        if min(value) < 0:
            raise ValueError("a seed must be at least 0")
        if len(set(value)) != len(value):
            raise ValueError("a seed is given twice")
        return value
    raise ValueError(f"{value!r} is not a set of seeds, write for example 1..20 or [1, 2, 5]")


Seeds = Annotated[
    list[int],
    BeforeValidator(seeds_of),
    PlainSerializer(lambda seeds: seeds, when_used="json"),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string", "pattern": r"^[0-9]+\.\.[0-9]+$", "examples": ["1..20"]},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            ]
        }
    ),
]
