"""
Quantities with their units, as text and as numbers.

Inside, times are float seconds, rates are 1/s, sizes are bytes and shares are
fractions of one. In a file each of them carries its unit; a bare number is refused.
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = [
    "duration",
    "number",
    "percentage",
    "rate",
    "size",
    "throughput",
    "write_duration",
    "write_percentage",
    "write_rate",
    "write_size",
    "write_throughput",
]

_NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_LARGEST = Decimal("1e15")  # in seconds, bytes, wholes: beyond it no float is exact to a thousandth
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_BYTES = {
    "B": 1,
    "KB": 1000,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|ms|s|m|h))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h)")
_RATE = re.compile(rf"({_NUMBER})\s*/\s*(s|m|h)")
_SIZE = re.compile(rf"({_NUMBER})\s*({'|'.join(_BYTES)})")
_PLAIN = re.compile(rf"[+-]?{_NUMBER}")
_PERCENTAGE = re.compile(rf"([+-]?{_NUMBER})\s*%")


def duration(text: object) -> float:
    """
    Seconds of ``250ms``, ``1m30s``, ``1.5h``.

    Raises:
        ValueError: There is no unit, or it is not a duration at all.
    """
    if isinstance(text, str):
        stripped = text.strip()
        if _DURATION.fullmatch(stripped):
            parts = _DURATION_PART.findall(stripped)
            units = [unit for _, unit in parts]
            if sorted(units, key=lambda unit: -_SECONDS[unit]) != units or len(set(units)) != len(
                units
            ):
                raise ValueError(f"{text!r} is not a duration: write larger units first, once each")
            return float(
                _sane(text, sum((Decimal(n) * _SECONDS[unit] for n, unit in parts), Decimal()))
            )
    raise ValueError(_refusal(text, "a duration", "30s", "250ms, 45s or 1m30s"))


def rate(text: object) -> float:
    """
    Events per second of ``20/s``, ``90/m``.

    Raises:
        ValueError: There is no unit, or it is not a rate at all.
    """
    if isinstance(text, str) and (match := _RATE.fullmatch(text.strip())):
        return float(_sane(text, Decimal(match[1]) / _SECONDS[match[2]]))
    raise ValueError(_refusal(text, "a rate", "/s", "20/s or 90/m"))


def size(text: object) -> int:
    """
    Bytes of ``512B``, ``64KB`` (1000 B), ``1MiB`` (1024² B).

    Raises:
        ValueError: There is no unit, it is not a size, or not a whole number of bytes.
    """
    if isinstance(text, str) and (match := _SIZE.fullmatch(text.strip())):
        exact = _sane(text, Decimal(match[1]) * _BYTES[match[2]])
        if exact != exact.to_integral_value():
            raise ValueError(f"{text!r} is not a whole number of bytes")
        return int(exact)
    raise ValueError(_refusal(text, "a size", "B", "512B, 64KB or 1MiB"))


def throughput(text: object) -> float:
    """
    Bytes per second of ``100KB/s``.

    Raises:
        ValueError: There is no unit, or it is not a size per second.
    """
    if isinstance(text, str) and text.strip().endswith("/s"):
        bare = text.strip().removesuffix("/s").rstrip()
        if match := _SIZE.fullmatch(bare):
            return float(_sane(text, Decimal(match[1]) * _BYTES[match[2]]))
    raise ValueError(_refusal(text, "a throughput", "KB/s", "100KB/s or 2MB/s"))


def percentage(text: object) -> float:
    """
    Fraction of one of ``0.5%``, ``95%``.

    Raises:
        ValueError: There is no per cent sign, or it is not a number.
    """
    if isinstance(text, str) and (match := _PERCENTAGE.fullmatch(text.strip())):
        return float(_sane(text, Decimal(match[1]) / 100))
    raise ValueError(_refusal(text, "a percentage", "%", "0.5% or 95%"))


def number(text: str) -> float:
    """
    A plain number, ``3`` or ``0.5``.

    Raises:
        ValueError: It is something else.
    """
    if match := _PLAIN.fullmatch(text.strip()):
        return float(_sane(text, Decimal(match[0])))
    raise ValueError(_refusal(text, "a plain number", "", "3 or 0.5"))


def _sane(text: str, exact: Decimal) -> Decimal:
    """*exact*, unless it is a slip of the finger."""
    if abs(exact) > _LARGEST:
        raise ValueError(f"{text[:40]!r} is beyond all measure")
    return exact


def _refusal(value: object, noun: str, unit: str, examples: str) -> str:
    """Why *value* is not *noun*, and what to write instead."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        suggestion = f"{value}{unit}" if not unit[0].isdigit() else f"{value}s"
        return f"{value!r} has no unit, write for example {suggestion!r}"
    return f"{value!r} is not {noun}, write for example {examples}"


def write_duration(seconds: float) -> str:
    """The shortest text that reads back as exactly *seconds*."""
    if seconds == 0:
        return "0s"
    for unit in ("h", "m", "s", "ms", "us", "ns"):
        count = Decimal(repr(seconds)) / _SECONDS[unit]
        if count == count.to_integral_value():
            return f"{int(count)}{unit}"
    return f"{_plain(seconds)}s"


def write_rate(per_second: float) -> str:
    """The text that reads back as exactly *per_second*."""
    return f"{_plain(per_second)}/s"


def write_size(count: int) -> str:
    """The text that reads back as exactly *count* bytes."""
    return f"{count}B"


def write_throughput(bytes_per_second: float) -> str:
    """The text that reads back as exactly *bytes_per_second*."""
    return f"{_plain(bytes_per_second)}B/s"


def write_percentage(share: float) -> str:
    """The text that reads back as exactly *share*."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


def _plain(number: float) -> str:
    """*number* without an exponent."""
    return f"{Decimal(repr(number)).normalize():f}"
