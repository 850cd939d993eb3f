"""The Redis protocol spoken badly."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from redis.asyncio import Redis as Client

from tests.fuzz.bombardment import Dialect
from tests.fuzz.recording import HOST
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Instant
from umt_sim.servers.redis import Redis

__all__ = ["Resp"]

# Commands of every group, some with a word too few or of the wrong kind.
COMMANDS = """
SET a 1|SET a|SET a 1 EX 0|GET a|GETEX a PX x|INCR a|APPEND a b|SETRANGE a 10 b|MSET a 1 b
LPUSH l 1 2|LPOP l|BLPOP l 0.1|BLPOP l x|LRANGE l 0 -1|BLMOVE l m LEFT RIGHT 0.1
LINSERT l BEFORE 1 2|HSET h a 1 b 2|HGETALL h|HINCRBY h a x|SADD s a b|SMEMBERS s|SPOP s 2
ZADD z 1 a|ZADD z NX XX 1 a|ZRANGE z 0 -1 WITHSCORES|ZRANGEBYSCORE z ( 1|BZPOPMIN z 0.1
XADD x * a 1|XADD x 0-0 a 1|XREAD COUNT 1 STREAMS x 0|XREADGROUP GROUP g c BLOCK 1 STREAMS x >
XGROUP CREATE x g $ MKSTREAM|PFADD p a|GEOADD g 200 100 a|MULTI|EXEC|DISCARD|WATCH a|UNWATCH
SUBSCRIBE c|PSUBSCRIBE c*|UNSUBSCRIBE|PUBLISH c hello|PING|ECHO|EXPIRE a 10|TTL a|PERSIST a
RENAME a b|COPY a b|TYPE a|SCAN 0 MATCH a* COUNT x|KEYS [|OBJECT ENCODING a|CONFIG GET *
CONFIG SET maxmemory 100mb|CONFIG SET maxmemory 0|CLIENT LIST|CLIENT KILL ID 9
CLIENT REPLY SKIP|CLIENT NO-EVICT on|HELLO 3|HELLO 2|HELLO 9|SELECT 1|SELECT 99|AUTH x
EVAL return 0|DUMP a|RESTORE a 0 x|FLUSHDB|DBSIZE|INFO|COMMAND COUNT|COMMAND DOCS|WAIT 0 0
RESET|BITFIELD a GET u8 0|BITPOS a 2|SORT l BY x|LMPOP 2 a|SINTERCARD 0 a|GETDEL a
LPOS l 1 RANK 0|SAVE|LASTSAVE|TIME|ROLE|NONSENSE a b|ACL WHOAMI|XADD x MAXLEN ~ 1 * a 1
XCLAIM x g c 0 0-1|XAUTOCLAIM x g c 0 0|XPENDING x g - + 1|SETBIT b 7 1|BITCOUNT b 0 x BIT
GETRANGE a x 1|LSET l 9 a|SMOVE s t a|ZUNIONSTORE u 2 z s|HRANDFIELD h 2 WITHVALUES
OBJECT FREQ a|MEMORY USAGE a|SCRIPT LOAD x|EVALSHA x 0|FUNCTION LIST|SSUBSCRIBE c|SPUBLISH c x
""".replace("\n", "|")


class Resp(Dialect):
    """Redis over fakeredis."""

    def server(self, kernel: Kernel) -> Redis:
        """An empty one."""
        stream = kernel.streams.stream("redis")
        return Redis(capacity=Instant(), clock=time.time, stream=stream)

    async def drive(self, port: int) -> None:
        """Strings, hashes, a pipeline, a transaction and a subscription with redis-py."""
        async with Client(host=HOST, port=port) as client:
            await client.flushall()
            await client.set("key", "value", ex=10)
            assert b"value" == await client.get("key")
            async with client.pipeline(transaction=True) as pipeline:
                pipeline.incr("count")
                pipeline.hset("hash", mapping={"a": 1})
                pipeline.lpush("list", "a", "b")
                assert [1, 1, 2] == await pipeline.execute()
            async with client.pubsub() as subscription:
                await subscription.subscribe("news")
                await client.publish("news", "hello")

    def messages(self, words: bytes) -> list[bytes]:
        """Commands: an array's header and all of its fields."""
        return [b"*" + command for command in words.split(b"*")[1:]]

    def conversation(self, draw: Random) -> list[bytes]:
        """Commands as a driver would write them, or a person by hand."""
        commands = draw.choices(LINES, k=draw.randrange(3, 25))
        return [line + b"\r\n" if draw.random() < 0.2 else array(line) for line in commands]

    def garbage(self, draw: Random) -> bytes:
        """Counts and lengths that lie, and what is no command at all."""
        number = draw.choice(
            [b"-1", b"-2", b"0", b"1", b"1e3", b"", b"+1", b"99999999999999999999"]
        )
        field = draw.choice(LINES)
        match draw.randrange(6):
            case 0:
                return b"*" + number + b"\r\n" + array(field)
            case 1:
                return b"*1\r\n$" + number + b"\r\n" + field + b"\r\n"
            case 2:
                return b"*2\r\n" + draw.choice(
                    [b":1\r\n", b"+OK\r\n", b"_\r\n", b"*1\r\n$1\r\na\r\n"]
                )
            case 3:
                return (
                    draw.choice([b'SET a "', b"SET 'a b", b'GET "\\x', b"\x00\xff", b"$5\r\n"])
                    + b"\r\n"
                )
            case 4:
                words = [draw.randbytes(draw.randrange(20)) for _ in range(draw.randrange(1, 6))]
                return fields(draw.choice(NAMES), *words)
            case _:
                return draw.randbytes(draw.randrange(1, 200)) + draw.choice([b"", b"\r\n"])

    def left_behind(self, server: Redis) -> list[Any]:
        """Open connections."""
        return [*server._connections]

    def complaints(self, said: bytes) -> int:
        """Error replies."""
        return said.count(b"\r\n-") + said.startswith(b"-")


def array(line: bytes) -> bytes:
    """A command as drivers write it."""
    return fields(*line.split())


def fields(*words: bytes) -> bytes:
    """An array of bulk strings."""
    bulks = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    return b"*%d\r\n%b" % (len(words), bulks)


LINES = [line.encode() for line in COMMANDS.split("|") if line]
NAMES = sorted({line.split()[0] for line in LINES})
