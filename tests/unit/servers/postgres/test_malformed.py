"""What no driver sends must neither break the server nor keep it busy."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import pytest

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime
from umt_sim.servers.postgres import wire

LOGIN = wire.startup({"user": "umt", "database": "umt"})
SYNC = wire.message(b"S", b"")

# Every kind of message a client may send, in an order in which they make sense.
SENSIBLE = [
    wire.message(b"Q", b"SELECT 1\0"),
    wire.message(b"Q", b"CREATE TEMP TABLE IF NOT EXISTS t (id int); SELECT * FROM t\0"),
    wire.message(b"P", b"s\0SELECT $1::int\0\0\1\0\0\0\x17"),
    wire.message(b"D", b"Ss\0"),
    wire.message(b"H", b""),
    wire.message(b"B", b"p\0s\0\0\0\0\1\0\0\0\1" + b"5" + b"\0\0"),
    wire.message(b"D", b"Pp\0"),
    wire.message(b"E", b"p\0\0\0\0\1"),
    wire.message(b"H", b""),
    wire.message(b"C", b"Pp\0"),
    wire.message(b"C", b"Ss\0"),
    SYNC,
    wire.message(b"Q", b"BEGIN\0"),
    wire.message(b"Q", b"COPY t FROM STDIN\0"),
    wire.message(b"d", b"1\n2\n"),
    wire.message(b"c", b""),
    wire.message(b"Q", b"COPY t FROM STDIN\0"),
    wire.message(b"f", b"no\0"),
    wire.message(b"P", b"\0COPY t FROM STDIN\0\0\0"),
    wire.message(b"B", b"\0\0\0\0\0\0\0\0"),
    wire.message(b"E", b"\0\0\0\0\0"),
    wire.message(b"H", b""),
    wire.message(b"d", b"3\n"),
    wire.message(b"c", b""),
    SYNC,
    wire.message(b"Q", b"COPY t TO STDOUT\0"),
    wire.message(b"Q", b"SELECT current_date; SELECT 'now'::date\0"),
    wire.message(b"Q", b"SET statement_timeout = 1000; SHOW statement_timeout\0"),
    wire.message(b"Q", b"LISTEN a; NOTIFY a\0"),
    wire.message(b"F", b"\0\0\5\x14\0\0\0\0\0\0"),
    wire.message(b"Q", b"SELECT pg_sleep(0.5)\0"),
    wire.message(b"Q", b"ROLLBACK\0"),
]


def spoil(draw: Random, data: bytes) -> bytes:
    """Change a few bytes, or take some away, put some in, repeat some, cut the end off."""
    spoilt = bytearray(data)
    for _ in range(draw.choice((0, 1, 1, 2, 5))):
        at = draw.randrange(len(spoilt) + 1)
        match draw.randrange(5):
            case 0:
                spoilt[at : at + 1] = draw.randbytes(1)
            case 1:
                del spoilt[at : at + draw.randrange(1, 6)]
            case 2:
                spoilt[at:at] = draw.randbytes(draw.randrange(1, 6))
            case 3:
                spoilt[at:at] = spoilt[at : at + draw.randrange(1, 30)]
            case _:
                del spoilt[at:]
    return bytes(spoilt)


def shuffled(draw: Random) -> bytes:
    """A part of the sensible messages, some left out, some twice, some elsewhere."""
    first = draw.randrange(len(SENSIBLE))
    chosen = SENSIBLE[first : first + draw.randrange(1, 14)]
    for _ in range(draw.randrange(4)):
        chosen.insert(draw.randrange(len(chosen) + 1), draw.choice(SENSIBLE))
    return b"".join(chosen)


async def converse(words: bytes, pieces: int, draw: Random) -> bytes:
    """Say *words* in some pieces, then nothing more; all that is answered until the end."""
    reader, writer = await asyncio.open_connection(HOST, PORT)
    marks = sorted(draw.randrange(len(words) + 1) for _ in range(pieces - 1))
    said = b""
    with suppress(OSError):  # the server may close before we have said everything
        for begin, end in zip([0, *marks], [*marks, len(words)], strict=True):
            writer.write(words[begin:end])
            await asyncio.sleep(0.01)
        writer.write_eof()
        async with asyncio.timeout(600):
            while more := await reader.read(65536):
                said += more
    writer.close()
    return said


async def check_health(db: Database) -> None:
    """Nothing is left behind, and the next client is served."""
    assert {} == db.server._sessions
    assert {} == db.server._inside
    assert {} == db.server._open
    assert {} == db.server.turnstile._waiting
    one = await db.connect()
    assert 1 == await one.fetchval("SELECT 1")
    await one.close()


def test_nonsense_instead_of_a_greeting_ends_the_connection(
    ours: OursInVirtualTime, campaign: bool
) -> None:
    """It is refused or the connection is closed; nobody is let in by it."""
    openings = [
        LOGIN,
        (8).to_bytes(4, "big") + wire.SSL_REQUEST.to_bytes(4, "big"),
        (8).to_bytes(4, "big") + wire.GSSENC_REQUEST.to_bytes(4, "big"),
        (16).to_bytes(4, "big") + wire.CANCEL_REQUEST.to_bytes(4, "big") + b"\0\0\3\xe9abcd",
        wire.startup({"user": "umt", "replication": "true"}),
        wire.startup({"user": "umt", "database": "umt", "nonsense": "1"}),
    ]

    async def case(db: Database) -> None:
        draw = Random(20)
        for _ in range(20_000 if campaign else 1500):
            words = spoil(draw, b"".join(draw.choices(openings, k=draw.randrange(1, 3))))
            await converse(words, draw.randrange(1, 4), draw)
        await check_health(db)

    ours.run(case)


def test_nonsense_in_a_session_ends_it_or_is_an_error(
    ours: OursInVirtualTime, campaign: bool
) -> None:
    """Every conversation comes to its end, and later ones do not notice."""

    async def case(db: Database) -> None:
        draw = Random(21)
        answered = 0  # batches; a connection that breaks may take its answers along
        for _ in range(5000 if campaign else 300):
            words = LOGIN + spoil(draw, shuffled(draw))
            said = await converse(words, draw.randrange(1, 6), draw)
            answered += said.count(b"Z\0\0\0\5")
        assert answered > (5000 if campaign else 300)
        await check_health(db)

    ours.run(case)


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
        said = await converse(LOGIN + words, 1, Random(0))
        *_, (kind, begin, end) = wire.frames(said)
        fields = wire.fields_of(said[begin:end])
        assert (ord("E"), "FATAL", "08P01", code) == (kind, fields["S"], fields["C"], fields["M"])
        await check_health(db)

    ours.run(case)
