"""Which command is which method, and what its arguments are."""

from __future__ import annotations

from typing import Any

from fakeredis._commands import Signature

__all__ = ["table"]


def table(*rows: tuple[str, str, tuple[Any, ...], tuple[Any, ...], str]) -> dict[str, Signature]:
    """
    Signatures by name.

    Args:
        rows: Name, method, arguments, arguments that may be repeated, fakeredis's flags:
            ``s`` not in scripts, ``t`` not queued in transactions, ``2`` shaped already.
    """
    return {
        name: Signature(name, method, fixed, repeat, flags=flags)
        for name, method, fixed, repeat, flags in rows
    }
