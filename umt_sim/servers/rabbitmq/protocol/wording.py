"""Bytes and frames in RabbitMQ's error texts: Erlang terms, as its formatter prints them."""

from __future__ import annotations

__all__ = ["binary", "frame_text"]

_SHOWN = 16  # octets of a frame that an error text quotes
_LINE = 80  # columns before Erlang's formatter begins a new line


def frame_text(kind: int, payload: bytes) -> str:
    """``type 3, all octets = <<"x">>``."""
    which = "all" if len(payload) <= _SHOWN else f"first {_SHOWN}"
    start = f"type {kind}, {which} octets = "
    return start + binary(payload[:_SHOWN], column=len(start))


def binary(data: bytes, *, column: int = 0) -> str:
    """
    *data* as an Erlang binary: text if all of it is printable, else numbers.

    Args:
        data: What to show.
        column: Where on the line it begins.
    """
    if data and all(32 <= octet < 127 or octet >= 160 for octet in data):
        text = data.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
        return f'<<"{text}">>'
    indent = column + 2
    lines, length = ["<<"], indent
    for position, octet in enumerate(data):
        last = position == len(data) - 1
        number = str(octet) if last else f"{octet},"
        if length + len(number) + 2 * last > _LINE:
            lines.append("\n" + " " * indent)
            length = indent
        lines.append(number)
        length += len(number)
    return "".join(lines) + ">>"
