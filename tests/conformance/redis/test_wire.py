"""Bytes: what is sent and what comes back, to the letter."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.redis.arenas import Arena

SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
ONLY_SUBSCRIBING = (
    b"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET"
    b" are allowed in this context\r\n"
)
BAD_NAME = b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
NO_GROUP = b"-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option\r\n"
BUSY_GROUP = b"-BUSYGROUP Consumer Group name already exists\r\n"
EXCHANGES = [
    (b"PING\r\n", b"+PONG\r\n"),
    (b"ping hello\r\n", b"$5\r\nhello\r\n"),
    (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    (b"*0\r\n*-1\r\n\r\nPING\r\n", b"+PONG\r\n"),
    (b"SET a 1\r\nGET a\r\nGET b\r\n", b"+OK\r\n$1\r\n1\r\n$-1\r\n"),
    (b'SET a "x\\n\\x41\'"\r\nGET a\r\n', b"+OK\r\n$4\r\nx\nA'\r\n"),
    (b"SET a 'it\\'s'\r\nGET a\r\n", b"+OK\r\n$4\r\nit's\r\n"),
    (b"BLPOP none 0.01\r\n", b"*-1\r\n"),
    (b"MULTI\r\nINCR n\r\nEXEC\r\n", b"+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"),
    (b"WATCH w\r\nSET w 1\r\nMULTI\r\nEXEC\r\n", b"+OK\r\n+OK\r\n+OK\r\n*-1\r\n"),
    (b"HELLO 4\r\n", b"-NOPROTO unsupported protocol version\r\n"),
    (b"HELLO x\r\n", b"-ERR Protocol version is not an integer or out of range\r\n"),
    (b"HSET h a 1\r\nHGETALL h\r\n", b":1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"),
    (b"ZADD z 1.5 m\r\nZSCORE z m\r\n", b":1\r\n$3\r\n1.5\r\n"),
    (b"SADD s a\r\nSMEMBERS s\r\n", b":1\r\n*1\r\n$1\r\na\r\n"),
    (b"SUBSCRIBE c\r\nPING\r\n", SUBSCRIBED + b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
    (b"SUBSCRIBE c\r\nGET a\r\n", SUBSCRIBED + ONLY_SUBSCRIBING),
    (b"UNSUBSCRIBE\r\n", b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
    (b"CLIENT REPLY SKIP\r\nPING\r\nECHO x\r\n", b"$1\r\nx\r\n"),
    (b"RESET\r\n", b"+RESET\r\n"),
    (b"CLIENT GETNAME\r\nCLIENT SETNAME me\r\nCLIENT GETNAME\r\n", b"$-1\r\n+OK\r\n$2\r\nme\r\n"),
    (b"CLIENT SETNAME 'a b'\r\n", BAD_NAME),
    (
        b"RPUSH l a\r\nLMPOP 1 l LEFT\r\nEXISTS l\r\n",
        b":1\r\n*2\r\n$1\r\nl\r\n*1\r\n$1\r\na\r\n:0\r\n",
    ),
    (b"LPOP none 2\r\nRPOP none\r\n", b"*-1\r\n$-1\r\n"),
    (b"HRANDFIELD none\r\nHRANDFIELD none 2\r\n", b"$-1\r\n*0\r\n"),
    (b"ZRANDMEMBER none\r\nZRANDMEMBER none 2\r\n", b"$-1\r\n*0\r\n"),
    (b"GEOPOS none a\r\n", b"*1\r\n*-1\r\n"),
    (b"HELLO 3 SETNAME 'a b'\r\n", BAD_NAME),
    (b"SADD s a\r\nSINTERCARD 2 s none\r\nSINTERCARD 1 s LIMIT 5\r\n", b":1\r\n:0\r\n:1\r\n"),
    (b"SINTERCARD 0 s\r\n", b"-ERR numkeys should be greater than 0\r\n"),
    (b"SET z x\r\nZRANGESTORE z none 0 1\r\nEXISTS z\r\n", b"+OK\r\n:0\r\n:0\r\n"),
    (b"SET z x\r\nZMPOP 1 z MIN\r\n", b"+OK\r\n" + WRONG_TYPE),
    (b"XADD s 1-1 a b\r\nXREAD STREAMS s $\r\n", b"$3\r\n1-1\r\n*-1\r\n"),
    (b"SET s x\r\nXREAD STREAMS s 0\r\n", b"+OK\r\n" + WRONG_TYPE),
    (
        b"XGROUP CREATE s g $ MKSTREAM\r\nXPENDING s g\r\n",
        b"+OK\r\n*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n",
    ),
    (b"XREADGROUP GROUP g c STREAMS none >\r\n", NO_GROUP),
    (b"XGROUP CREATE s g $ MKSTREAM\r\nXGROUP CREATE s g $\r\n", b"+OK\r\n" + BUSY_GROUP),
]


@pytest.mark.parametrize(("request_", "reply"), EXCHANGES, ids=[str(ask) for ask, _ in EXCHANGES])
async def test_replies_in_resp2(arena: Arena, request_: bytes, reply: bytes) -> None:
    """A new connection speaks RESP2."""
    wire = await arena.wire()
    assert reply == await wire.ask(request_, len(reply))


HELLO = b"HELLO 3\r\n"
RESP3 = [
    (b"GET none\r\n", b"_\r\n"),
    (b"BLPOP none 0.01\r\n", b"_\r\n"),
    (b"HSET h a 1\r\nHGETALL h\r\n", b":1\r\n%1\r\n$1\r\na\r\n$1\r\n1\r\n"),
    (b"ZADD z 1.5 m\r\nZSCORE z m\r\n", b":1\r\n,1.5\r\n"),
    (b"ZADD z 1 m\r\nZRANGE z 0 -1 WITHSCORES\r\n", b":1\r\n*1\r\n*2\r\n$1\r\nm\r\n,1\r\n"),
    (b"SADD s a\r\nSMEMBERS s\r\n", b":1\r\n~1\r\n$1\r\na\r\n"),
    (b"SUBSCRIBE c\r\nGET none\r\n", b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n_\r\n"),
    (b"CONFIG GET maxclients\r\n", b"%1\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n"),
]


@pytest.mark.parametrize(("request_", "reply"), RESP3, ids=[str(ask) for ask, _ in RESP3])
async def test_replies_in_resp3(arena: Arena, request_: bytes, reply: bytes) -> None:
    """After HELLO 3 maps, sets, doubles, nulls and pushes have types of their own."""
    wire = await arena.wire()
    wire.writer.write(HELLO)
    greeting = await asyncio.wait_for(wire.reader.readuntil(b"modules\r\n*0\r\n"), 2)
    assert greeting.startswith(b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n")
    assert reply == await wire.ask(request_, len(reply))


WRONG = [
    (b"*1\r\nPING\r\n", b"-ERR Protocol error: expected '$', got 'P'\r\n"),
    (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*2147483648\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1\r\n$x\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$-1\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$536870913\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b'SET a "x\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"PING\r\n*1\r\n!\r\n", b"+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n"),
    (b"x" * 70_000, b"-ERR Protocol error: too big inline request\r\n"),
    (b"QUIT\r\nPING\r\n", b"+OK\r\n"),
]


@pytest.mark.parametrize(("request_", "reply"), WRONG, ids=[str(ask)[:20] for ask, _ in WRONG])
async def test_what_ends_a_connection(arena: Arena, request_: bytes, reply: bytes) -> None:
    """What is not RESP gets one line and the end; what came before it is answered."""
    wire = await arena.wire()
    assert reply == await wire.rest(request_)


async def test_a_command_may_come_in_pieces(arena: Arena) -> None:
    """Bytes need not arrive together."""
    wire = await arena.wire()
    for byte in b"*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n"[:-1]:
        wire.writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert b"$3\r\na\r\n\r\n" == await wire.ask(b"\n", 9)


async def test_what_was_sent_before_the_end_is_carried_out(arena: Arena) -> None:
    """A client that closes its end after a command still has it carried out and answered."""
    wire = await arena.wire()
    wire.writer.write(b"SET a 1\r\n")
    wire.writer.write_eof()
    assert b"+OK\r\n" == await asyncio.wait_for(wire.reader.read(), 2)
    assert b"1" == await (await arena.client()).get("a")


async def test_a_thousand_commands_at_once(arena: Arena) -> None:
    """A long pipeline is answered in full and in order."""
    wire = await arena.wire()
    request = b"".join(b"*2\r\n$4\r\nECHO\r\n$4\r\n%04d\r\n" % n for n in range(5000))
    reply = b"".join(b"$4\r\n%04d\r\n" % n for n in range(5000))
    assert reply == await wire.ask(request, len(reply))
