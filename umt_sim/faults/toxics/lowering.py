"""How values with units become Toxiproxy's integers, and are refused where they cannot."""

from __future__ import annotations

import math

__all__ = ["LARGEST", "at_least", "lowered", "scaled"]

LARGEST = 2**63 - 1
"""Toxiproxy keeps every attribute in a signed 64-bit integer."""


def lowered(field: str, value: float, unit: str) -> int:
    """
    *value* as the whole number of *unit* that Toxiproxy takes, halves rounded up.

    Raises:
        ValueError: *value* is negative, not finite, too large, or not zero yet
            so small that Toxiproxy would be told zero.
    """
    if not math.isfinite(value) or not 0 <= value <= LARGEST:
        raise ValueError(f"{field} is {value:g}; it must be from 0 to {LARGEST} {unit}")
    whole = math.floor(value + 0.5)
    if whole == 0 and value > 0:
        raise ValueError(
            f"{field} is {value:g} {unit}, which Toxiproxy would round to 0;"
            f" give 0 or at least 1 {unit}"
        )
    return whole


def at_least(field: str, value: float, least: int, unit: str) -> int:
    """
    Like ``lowered``, for an attribute whose smallest useful value is *least*.

    Raises:
        ValueError: As for ``lowered``, or the whole number is below *least*.
    """
    whole = lowered(field, value, unit)
    if whole < least:
        raise ValueError(f"{field} is {value:g}; it must be at least {least} {unit}")
    return whole


def scaled(seconds: float, per_second: int) -> float:
    """
    *seconds* in a smaller unit, without the binary residue of the product.

    ``0.0011 * 1000`` is 1.1000000000000001; a thousandth of a unit is finer
    than anything Toxiproxy can be told, so the rest is dropped.
    """
    return round(seconds * per_second, 3)
