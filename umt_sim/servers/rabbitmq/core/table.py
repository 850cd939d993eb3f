"""
Field tables in their wire form: checked once, then read or edited entry by entry.

A message's headers cross the broker unread in most cases, and must leave it as
they came, integer widths included. So a table stays bytes; only the entries
somebody asks for are decoded (by pamqp).
"""

from __future__ import annotations

import struct
from typing import Any

from pamqp import decode, encode

__all__ = ["MalformedTable", "Table"]

_LENGTH = struct.Struct(">I").unpack_from

# Bytes of a value by its type tag; -1 where a four-byte length precedes it.
_SIZES = {
    ord("t"): 1, ord("b"): 1, ord("B"): 1, ord("s"): 2, ord("u"): 2, ord("I"): 4, ord("i"): 4,
    ord("l"): 8, ord("L"): 8, ord("f"): 4, ord("d"): 8, ord("D"): 5, ord("T"): 8, ord("V"): 0,
    ord("S"): -1, ord("A"): -1, ord("F"): -1, ord("x"): -1,
}  # fmt: skip


class MalformedTable(ValueError):
    """The bytes are not a field table."""


class Table:
    """
    One field table.

    Args:
        raw: The entries, without the length in front.

    Raises:
        MalformedTable: A length points outside, a type tag is unknown, a key is not UTF-8.
    """

    __slots__ = ("_entries",)

    def __init__(self, raw: bytes = b"") -> None:
        self._entries: dict[str, bytes] = {}
        try:
            self._split(raw)
        except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
            raise MalformedTable(str(error)) from error

    def _split(self, raw: bytes) -> None:
        position, end = 0, len(raw)
        while position < end:
            start = position + 1 + raw[position]
            key = raw[position + 1 : start].decode()
            position = _end_of_value(raw, start)
            if position > end:
                raise MalformedTable("a value ends outside its table")
            self._entries[key] = raw[start:position]

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __bool__(self) -> bool:
        return bool(self._entries)

    def get(self, key: str) -> Any:
        """The decoded value of *key*; ``None`` if there is none."""
        value = self._entries.get(key)
        return None if value is None else _decode(value)

    def decoded(self) -> dict[str, Any]:
        """The whole table as Python values."""
        return {key: _decode(value) for key, value in self._entries.items()}

    def changed(self, new: dict[str, Any], without: tuple[str, ...] = ()) -> Table:
        """A copy with the entries *without* taken out and those of *new* put in."""
        copy = Table()
        copy._entries = {k: v for k, v in self._entries.items() if k not in without}
        for key, value in new.items():
            copy._entries[key] = encode.encode_table_value(value)
        return copy

    def encoded(self) -> bytes:
        """The table as it goes over the wire, length in front."""
        parts: list[bytes] = []
        for key, value in self._entries.items():
            name = key.encode()
            parts += (bytes((len(name),)), name, value)
        entries = b"".join(parts)
        return len(entries).to_bytes(4, "big") + entries


def _end_of_value(raw: bytes, start: int) -> int:
    size = _SIZES.get(raw[start])
    if size is None:
        raise MalformedTable(f"unknown field type {raw[start]}")
    if size >= 0:
        return start + 1 + size
    (length,) = _LENGTH(raw, start + 1)
    end: int = start + 5 + length
    if raw[start] == ord("F"):
        Table(raw[start + 5 : end])
    elif raw[start] == ord("A"):
        _check_array(raw, start + 5, end)
    return end


def _check_array(raw: bytes, position: int, end: int) -> None:
    while position < end:
        position = _end_of_value(raw, position)
    if position != end:
        raise MalformedTable("a value ends outside its array")


def _decode(value: bytes) -> Any:
    try:
        return decode.embedded_value(value)[1]
    except (ValueError, ArithmeticError, OSError, TypeError):
        return value  # legal on the wire, not in Python: a timestamp beyond the year 9999
