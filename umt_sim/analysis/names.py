"""Names as figures and tables write them: short enough for their place, units in words."""

from __future__ import annotations

__all__ = ["heading", "shortened"]

_UNITS = {"ms": "ms", "s": "s", "percent": "%"}


def shortened(name: str, most: int = 30) -> str:
    """*name* in at most so many letters: its beginning and its end, which tell names apart."""
    if len(name) <= most:
        return name
    end = most // 3
    return f"{name[: most - 1 - end]}…{name[-end:]}"


def heading(column: str) -> str:
    """``p95_ms`` as ``p95, ms``."""
    if column.endswith("_per_s"):
        return column.removesuffix("_per_s").replace("_", " ") + " / s"
    name, _, unit = column.rpartition("_")
    words = column if unit not in _UNITS or not name else f"{name}, {_UNITS[unit]}"
    return words.replace("_", " ")
