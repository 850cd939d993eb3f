"""The quantities of ``units`` as field types: read from text, written back as text."""

from __future__ import annotations

from typing import Annotated, Any

from annotated_types import Gt
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from umt_sim.measures import units

__all__ = [
    "Bytes",
    "BytesPerSecond",
    "PerSecond",
    "PositiveRate",
    "PositiveSeconds",
    "Seconds",
    "Share",
]

_NUMBER = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"


def _schema(pattern: str, description: str, *examples: str) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "pattern": f"^{pattern}$"}
    return WithJsonSchema(schema | {"description": description, "examples": list(examples)})


Seconds = Annotated[
    float,
    BeforeValidator(units.duration),
    PlainSerializer(units.write_duration, when_used="json"),
    _schema(rf"({_NUMBER}(ns|us|µs|ms|s|m|h))+", "A duration with its unit", "250ms", "1m30s"),
]
PositiveSeconds = Annotated[Seconds, Gt(0)]

PerSecond = Annotated[
    float,
    BeforeValidator(units.rate),
    PlainSerializer(units.write_rate, when_used="json"),
    _schema(rf"{_NUMBER}\s*/\s*(s|m|h)", "A rate with its unit", "20/s", "90/m"),
]
PositiveRate = Annotated[PerSecond, Gt(0)]

Bytes = Annotated[
    int,
    BeforeValidator(units.size),
    PlainSerializer(units.write_size, when_used="json"),
    _schema(rf"{_NUMBER}\s*(B|KB|kB|MB|GB|KiB|MiB|GiB)", "A size with its unit", "64KB", "1MiB"),
]

BytesPerSecond = Annotated[
    float,
    BeforeValidator(units.throughput),
    PlainSerializer(units.write_throughput, when_used="json"),
    _schema(
        rf"{_NUMBER}\s*(B|KB|kB|MB|GB|KiB|MiB|GiB)\s*/s", "Bytes per second, with unit", "100KB/s"
    ),
]


def _share(text: object) -> float:
    share = units.percentage(text)
    if not 0 <= share <= 1:
        raise ValueError(f"{text} is no share of a whole; write 0% to 100%")
    return share


Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(units.write_percentage, when_used="json"),
    _schema(rf"{_NUMBER}\s*%", "A share of the whole, in per cent", "0.5%", "95%"),
]
