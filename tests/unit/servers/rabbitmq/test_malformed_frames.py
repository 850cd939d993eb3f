"""Frames that no driver sends, one by one; `tests/fuzz` sends them by the thousand."""

from __future__ import annotations

from pamqp import commands

from tests.unit.servers.rabbitmq.wire import SmallBroker, Wire


def test_deep_nesting_is_refused() -> None:
    """A table of tables of tables ends in a protocol error, not in the end of the stack."""
    deep = b""
    for _ in range(20_000):
        deep = b"A" + len(deep).to_bytes(4, "big") + deep
    table = b"\x01a" + deep
    headers = len(table).to_bytes(4, "big") + table
    wire = Wire(SmallBroker()).open(1)
    wire.frames()
    wire.send(1, commands.Basic.Publish(routing_key="q"))
    header = b"\x00\x3c\x00\x00" + bytes(8) + b"\x20\x00" + headers
    wire.say(b"\x02\x00\x01" + len(header).to_bytes(4, "big") + header + b"\xce")
    (close,) = wire.frames()
    assert (close.reply_code, close.reply_text) == (541, "INTERNAL_ERROR")
