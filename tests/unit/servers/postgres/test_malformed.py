"""Messages that are none, one by one; `tests/fuzz` sends them by the thousand."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime
from umt_sim.servers.postgres import wire

LOGIN = wire.startup({"user": "umt", "database": "umt"})


async def answers(words: bytes) -> bytes:
    """All that is answered to *words* until the end of the connection."""
    reader, writer = await asyncio.open_connection(HOST, PORT)
    writer.write(words)
    writer.write_eof()
    said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (wire.message(b"?", b""), "invalid frontend message type 63"),
        (b"Q\0\0\0\1", "invalid message length"),
        (b"S\x7f\xff\xff\xff", "invalid message length"),
        (wire.message(b"p", b"x"), "invalid frontend message type 112"),
    ],
)
def test_a_message_that_is_none_is_told(ours: OursInVirtualTime, words: bytes, code: str) -> None:
    """08P01, and the connection is closed."""

    async def case(db: Database) -> None:
        said = await answers(LOGIN + words)
        *_, (kind, begin, end) = wire.frames(said)
        fields = wire.fields_of(said[begin:end])
        assert (ord("E"), "FATAL", "08P01", code) == (kind, fields["S"], fields["C"], fields["M"])
        assert 1 == await (await db.connect()).fetchval("SELECT 1")

    ours.run(case)
