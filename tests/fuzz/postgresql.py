"""PostgreSQL's front-end protocol spoken badly."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import asyncpg

from tests.fuzz.bombardment import Dialect
from tests.fuzz.recording import HOST
from umt_sim.kernel import Kernel
from umt_sim.servers.postgres import Engine, PostgreSQL, wire

__all__ = ["Postgresql"]

LOGIN = wire.startup({"user": "umt", "database": "umt"})
SYNC = wire.message(b"S", b"")

# Every kind of message a client may send, in an order in which they make sense.
SENSIBLE = [
    wire.message(kind, body)
    for kind, body in [
        (b"Q", b"SELECT 1\0"),
        (b"Q", b"CREATE TEMP TABLE IF NOT EXISTS t (id int); SELECT * FROM t\0"),
        (b"P", b"s\0SELECT $1::int\0\0\1\0\0\0\x17"),
        (b"D", b"Ss\0"),
        (b"H", b""),
        (b"B", b"p\0s\0\0\0\0\1\0\0\0\0015\0\0"),
        (b"D", b"Pp\0"),
        (b"E", b"p\0\0\0\0\1"),
        (b"H", b""),
        (b"C", b"Pp\0"),
        (b"C", b"Ss\0"),
        (b"S", b""),
        (b"Q", b"BEGIN\0"),
        (b"Q", b"COPY t FROM STDIN\0"),
        (b"d", b"1\n2\n"),
        (b"c", b""),
        (b"Q", b"COPY t FROM STDIN\0"),
        (b"f", b"no\0"),
        (b"P", b"\0COPY t FROM STDIN\0\0\0"),
        (b"B", b"\0\0\0\0\0\0\0\0"),
        (b"E", b"\0\0\0\0\0"),
        (b"H", b""),
        (b"d", b"3\n"),
        (b"c", b""),
        (b"S", b""),
        (b"Q", b"COPY t TO STDOUT\0"),
        (b"Q", b"SELECT current_date; SELECT 'now'::date\0"),
        (b"Q", b"SET statement_timeout = 1000; SHOW statement_timeout\0"),
        (b"Q", b"LISTEN a; NOTIFY a\0"),
        (b"F", b"\0\0\5\x14\0\0\0\0\0\0"),
        (b"Q", b"SELECT pg_sleep(0.5)\0"),
        (b"Q", b"ROLLBACK\0"),
    ]
]


def request(code: int, rest: bytes = b"") -> bytes:
    """What may come before a login, or in its place."""
    return (8 + len(rest)).to_bytes(4, "big") + code.to_bytes(4, "big") + rest


OPENINGS = [
    request(wire.SSL_REQUEST),
    request(wire.GSSENC_REQUEST),
    request(wire.CANCEL_REQUEST, b"\0\0\3\xe9abcd"),
    wire.startup({"user": "umt", "replication": "true"}),
    wire.startup({"user": "umt", "database": "umt", "nonsense": "1"}),
]


class Postgresql(Dialect):
    """
    The front end over a running engine.

    A spoilt message is followed by a Sync: after an error in the extended protocol the
    server throws away what comes before the next one.
    """

    resume = SYNC

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def server(self, kernel: Kernel) -> PostgreSQL:
        """On fresh data."""
        self._engine.fresh()
        stream = kernel.streams.stream("postgres")
        return PostgreSQL(engine=self._engine, unix_time=time.time, stream=stream)

    async def drive(self, port: int) -> None:
        """Queries of both kinds, a transaction, COPY both ways and a notification with asyncpg."""
        options = {"user": "umt", "database": "umt", "ssl": False}
        one = await asyncpg.connect(host=HOST, port=port, **options)
        await one.execute("CREATE TABLE IF NOT EXISTS driven (id int, name text)")
        async with one.transaction():
            await one.executemany("INSERT INTO driven VALUES ($1, $2)", [(1, "a"), (2, "b")])
        assert "b" == await one.fetchval("SELECT name FROM driven WHERE id = $1", 2)
        await one.copy_records_to_table("driven", records=[(3, "c")])
        await one.add_listener("news", lambda *_: None)
        await one.execute("NOTIFY news")
        async with one.transaction():
            assert 3 <= len([row async for row in one.cursor("SELECT * FROM driven")])
        await one.execute("DROP TABLE driven")
        await one.close()

    def messages(self, words: bytes) -> list[bytes]:
        """The startup message, then those with a type."""
        start = int.from_bytes(words[:4], "big")
        return [
            words[:start],
            *(words[begin:end] for _, begin, end in wire.frames(words, start)),
        ]

    def conversation(self, draw: Random) -> list[bytes]:
        """A part of the sensible messages, some elsewhere; or only the ways to begin."""
        if draw.random() < 0.2:
            return draw.choices([*OPENINGS, LOGIN], k=draw.randrange(1, 3))
        first = draw.randrange(len(SENSIBLE))
        chosen = SENSIBLE[first : first + draw.randrange(1, 14)]
        for _ in range(draw.randrange(4)):
            chosen.insert(draw.randrange(len(chosen) + 1), draw.choice(SENSIBLE))
        return [LOGIN, *chosen]

    def garbage(self, draw: Random) -> bytes:
        """Types that are none, lengths that lie, counts that promise too much."""
        match draw.randrange(5):
            case 0:
                return wire.message(draw.randbytes(1), draw.randbytes(draw.randrange(40)))
            case 1:
                kind = bytes((draw.choice(b"QPBDECSHdcfFXp"),))
                return wire.message(kind, draw.randbytes(draw.randrange(60)))
            case 2:
                size = draw.choice([0, 1, 3, 0x3FFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
                return draw.choice([b"Q", b"P", b"S", b"d"]) + size.to_bytes(4, "big")
            case 3:
                counts = draw.choice([b"\xff\xff", b"\x7f\xff", b"\0\5"])
                return wire.message(b"B", b"p\0s\0" + counts + draw.randbytes(8) + counts)
            case _:
                text = draw.choice(
                    ["SELECT $1", "SELECT 'now", "\\", "COPY t FROM", "\x01"]
                ).encode()
                return wire.message(draw.choice([b"Q", b"P"]), text + draw.choice([b"", b"\0\xff"]))

    def left_behind(self, server: PostgreSQL) -> list[Any]:
        """Open sessions and who waits for a lock."""
        return [*server._sessions, *server._inside, *server._open, *server.turnstile._waiting]

    def complaints(self, said: bytes) -> int:
        """Errors with a SQLSTATE."""
        return said.count(b"VERROR\0C") + said.count(b"VFATAL\0C")
