"""
Random programs, sent to our server and to the real one side by side: each answer must be the same.

They find what nobody thought of. An error is compared by its code only: of two things that are
wrong with one command Redis may name the other.
"""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from umt_sim.servers.capacity import Instant
from umt_sim.servers.redis import Redis
from umt_sim.worlds.live.programs.instance import Instance

PROGRAMS = 100
COMMANDS = 80  # of each program
WORDS = {
    "string": ["s1", "s2", "n1"],
    "list": ["l1", "l2"],
    "hash": ["h1", "h2"],
    "set": ["t1", "t2"],
    "zset": ["z1", "z2"],
    "stream": ["x1"],
    "any": ["s1", "n1", "l1", "h1", "t1", "z1", "x1"],
    "member": list("abcde"),
    "value": ["", "a", "hello", "10", "3.5", "-7", "x" * 40],
    "int": ["0", "1", "2", "3", "-1", "-2", "10", "9223372036854775807"],
    "count": ["1", "2", "3"],
    "float": ["0", "1", "-1", "1.5", "0.1", "3.25", "1e2", "1000000", "0.30000000000000004"],
    "end": ["LEFT", "RIGHT"],
    "id": ["1-1", "2-1", "5-0", "9-9"],
}
TEMPLATES = """
SET string value; SET string value NX; SET string value XX GET; SET n1 float; GET string
GETSET string value; GETDEL string; MSET string value string value; MGET any any
APPEND string value; STRLEN string; INCR string; INCRBY n1 int; DECRBY string int
INCRBYFLOAT n1 float; INCRBYFLOAT string float; SETRANGE string count value
GETRANGE string int int; SETBIT string count 1; GETBIT string count; BITCOUNT string
BITPOS string 1; DEL any any; EXISTS any any; TYPE any; EXPIRE any 1000; PERSIST any
RENAME any any; COPY any any; DBSIZE; LPUSH list member member; RPUSH list member
LPUSHX list member; LPOP list; RPOP list count; LLEN list; LRANGE list int int; LINDEX list int
LSET list int member; LREM list int member; LTRIM list int int; LINSERT list BEFORE member member
RPOPLPUSH list list; LMOVE list list end end; LPOS list member; LMPOP 2 list list end
LMPOP 1 list end COUNT count; BLPOP list 0.01; BLMOVE list list end end 0.01
HSET hash member value member int; HGET hash member; HMGET hash member member; HGETALL hash
HDEL hash member; HLEN hash; HEXISTS hash member; HINCRBY hash member int
HINCRBYFLOAT hash member float; HSETNX hash member value; SADD set member member; SREM set member
SCARD set; SISMEMBER set member; SMOVE set set member; SMEMBERS set; SINTER set set
SUNION set set; SDIFF set set; SINTERSTORE set set set; SUNIONSTORE set set set
SINTERCARD 2 set set; SPOP none 1; HRANDFIELD none 2; ZRANDMEMBER none
ZADD zset float member float member; ZADD zset CH GT float member; ZADD zset INCR float member
ZREM zset member; ZINCRBY zset float member; ZSCORE zset member; ZCARD zset; ZRANK zset member
ZCOUNT zset -inf float; ZRANGE zset int int WITHSCORES; ZRANGE zset float +inf BYSCORE
ZREVRANGE zset int int; ZPOPMIN zset; ZPOPMAX zset count; ZMPOP 1 zset MAX
ZRANGESTORE zset zset 0 1; ZUNION 2 zset zset WITHSCORES; ZINTERSTORE zset 2 zset zset
ZDIFF 2 zset zset; ZREMRANGEBYSCORE zset float float; ZREMRANGEBYRANK zset int int
XADD stream id f value; XLEN stream; XRANGE stream - +; XDEL stream id
XREAD COUNT 2 STREAMS stream 0; XGROUP CREATE stream g 0 MKSTREAM
XREADGROUP GROUP g c COUNT count STREAMS stream >; XACK stream g id; XPENDING stream g; MULTI
EXEC; EXEC; DISCARD; WATCH any; UNWATCH; PUBLISH c value; PING; FLUSHDB
"""
CHOICES = [line.strip() for line in TEMPLATES.replace("\n", ";").split(";") if line.strip()]
UNORDERED = {"SMEMBERS", "SINTER", "SUNION", "SDIFF", "HGETALL"}


def program(draw: Random) -> list[tuple[int, list[str]]]:
    """Commands, each for one of two connections."""
    favourites = draw.sample(CHOICES, 30)  # so that they meet on the same keys
    return [
        (
            draw.randrange(2),
            [draw.choice(WORDS.get(word, [word])) for word in draw.choice(favourites).split()],
        )
        for _ in range(COMMANDS)
    ]


async def answers(port: int, steps: list[tuple[int, list[str]]], protocol: int) -> list[Any]:
    """What an emptied server answers to a program."""
    options = {"port": port, "protocol": protocol, "retry": Retry(NoBackoff(), 0)}
    clients = [Client(single_connection_client=True, **options) for _ in range(2)]  # type: ignore[arg-type]
    for client in clients:
        client.response_callbacks.clear()
    await clients[0].execute_command("FLUSHALL")
    said = [await _answer(clients[number], command) for number, command in steps]
    for client in clients:
        await client.aclose()
    return said


async def _answer(client: Any, command: list[str]) -> Any:
    try:
        answer = await client.execute_command(*command)
    except ResponseError as error:
        return type(error).__name__
    return sorted(answer) if command[0] in UNORDERED and answer != b"QUEUED" else _plain(answer)


def _plain(answer: Any) -> Any:
    """Errors within the answer to EXEC by their kind, as all others."""
    if isinstance(answer, list):
        return [_plain(part) for part in answer]
    return type(answer).__name__ if isinstance(answer, Exception) else answer


@pytest.mark.live
@pytest.mark.campaign
@pytest.mark.parametrize("protocol", [2, 3])
def test_random_programs(real_redis: Instance, protocol: int) -> None:
    """A hundred of them in each protocol, command by command."""

    async def both(steps: list[tuple[int, list[str]]]) -> tuple[list[Any], list[Any]]:
        ours = Redis(capacity=Instant(), clock=time.time, stream=Random(1))
        await ours.start("127.0.0.1", 0)
        try:
            return (
                await answers(ours.port, steps, protocol),
                await answers(real_redis.port, steps, protocol),
            )
        finally:
            await ours.stop()

    for seed in range(PROGRAMS):
        steps = program(Random(f"redis:{protocol}:{seed}"))
        ours, real = asyncio.run(both(steps))
        told = zip(steps, ours, real, strict=True)
        differences = [
            f"{step}: {here}, not {there}" for step, here, there in told if here != there
        ]
        assert [] == differences[:1], f"program {seed}"
