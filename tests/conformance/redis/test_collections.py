"""Lists, hashes, sets, sorted sets and streams."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from tests.conformance.redis.arenas import Arena


async def test_a_list_has_two_ends(arena: Arena) -> None:
    """LPUSH, RPUSH, LPOP, RPOP and LRANGE."""
    redis = await arena.client()
    assert (2, 4) == (await redis.rpush("l", "c", "d"), await redis.lpush("l", "b", "a"))
    assert [b"a", b"b", b"c", b"d"] == await redis.lrange("l", 0, -1)
    assert (b"a", b"d") == (await redis.lpop("l"), await redis.rpop("l"))
    assert [b"b", b"c"] == await redis.lpop("l", 5)
    assert (None, 0) == (await redis.lpop("l"), await redis.exists("l"))


async def test_inside_a_list(arena: Arena) -> None:
    """LINDEX, LSET, LINSERT, LREM, LTRIM and LPOS."""
    redis = await arena.client()
    await redis.rpush("l", *"abcabc")
    assert (b"c", None) == (await redis.lindex("l", -1), await redis.lindex("l", 9))
    await redis.lset("l", 0, "x")
    assert 7 == await redis.linsert("l", "BEFORE", "c", "y")
    assert 2 == await redis.lrem("l", 0, "b")
    assert [b"x", b"y", b"c", b"a", b"c"] == await redis.lrange("l", 0, -1)
    assert 4 == await redis.lpos("l", "c", rank=2)
    await redis.ltrim("l", 1, 2)
    assert [b"y", b"c"] == await redis.lrange("l", 0, -1)


async def test_outside_of_a_list(arena: Arena) -> None:
    """LSET needs a key and an index that exist."""
    redis = await arena.client()
    with pytest.raises(ResponseError, match=r"^no such key$"):
        await redis.lset("l", 0, "x")
    await redis.rpush("l", 1)
    with pytest.raises(ResponseError, match=r"^index out of range$"):
        await redis.lset("l", 5, "x")


async def test_moving_between_lists(arena: Arena) -> None:
    """LMOVE and RPOPLPUSH; an empty source gives nothing."""
    redis = await arena.client()
    await redis.rpush("a", 1, 2)
    assert b"2" == await redis.rpoplpush("a", "b")
    assert b"1" == await redis.lmove("a", "b", "LEFT", "RIGHT")
    assert ([b"2", b"1"], None) == (await redis.lrange("b", 0, -1), await redis.rpoplpush("a", "b"))


async def test_hashes(arena: Arena) -> None:
    """HSET counts new fields; HGETALL, HMGET, HDEL, HEXISTS, HLEN."""
    redis = await arena.client()
    assert 2 == await redis.hset("h", mapping={"a": 1, "b": 2})
    assert 1 == await redis.hset("h", mapping={"a": 9, "c": 3})
    assert {b"a": b"9", b"b": b"2", b"c": b"3"} == await redis.hgetall("h")
    assert [b"9", None] == await redis.hmget("h", "a", "x")
    assert (1, 2) == (await redis.hdel("h", "a", "x"), await redis.hlen("h"))
    assert (True, False) == (await redis.hexists("h", "b"), await redis.hexists("h", "a"))
    assert {} == await redis.hgetall("x")


async def test_counting_in_hashes(arena: Arena) -> None:
    """HINCRBY and HINCRBYFLOAT; a text cannot be counted."""
    redis = await arena.client()
    assert 5 == await redis.hincrby("h", "n", 5)
    assert 0.5 == float(await redis.hincrbyfloat("h", "f", 0.5))
    await redis.hset("h", "text", "x")
    with pytest.raises(ResponseError, match=r"^hash value is not an integer$"):
        await redis.hincrby("h", "text", 1)


async def test_hash_fields_are_set_once(arena: Arena) -> None:
    """HSETNX keeps what is there."""
    redis = await arena.client()
    assert (1, 0) == (await redis.hsetnx("h", "a", 1), await redis.hsetnx("h", "a", 2))
    assert (b"1", [b"a"], [b"1"]) == (
        await redis.hget("h", "a"),
        await redis.hkeys("h"),
        await redis.hvals("h"),
    )


async def test_sets(arena: Arena) -> None:
    """A member is in a set once; the reply is a set."""
    redis = await arena.client()
    assert (3, 0) == (await redis.sadd("s", "a", "b", "c"), await redis.sadd("s", "a"))
    assert {b"a", b"b", b"c"} == await redis.smembers("s")
    assert (1, 0) == (await redis.sismember("s", "a"), await redis.sismember("s", "x"))
    assert [1, 0] == await redis.smismember("s", ["b", "x"])
    assert (1, 2) == (await redis.srem("s", "a", "x"), await redis.scard("s"))


async def test_set_algebra(arena: Arena) -> None:
    """Union, intersection and difference, read and stored."""
    redis = await arena.client()
    await redis.sadd("a", 1, 2, 3)
    await redis.sadd("b", 2, 3, 4)
    assert {b"2", b"3"} == await redis.sinter("a", "b")
    assert {b"1", b"2", b"3", b"4"} == await redis.sunion("a", "b")
    assert {b"1"} == await redis.sdiff("a", "b")
    assert 2 == await redis.sinterstore("c", "a", "b")
    assert {b"2", b"3"} == await redis.smembers("c")
    assert set() == await redis.sinter("a", "x")


async def test_random_members(arena: Arena) -> None:
    """SPOP takes members away, SRANDMEMBER only looks."""
    redis = await arena.client()
    await redis.sadd("s", "a", "b")
    assert await redis.srandmember("s") in (b"a", b"b")
    assert 2 == await redis.scard("s")
    assert {b"a", b"b"} == set(await redis.spop("s", 5))
    assert 0 == await redis.exists("s")


async def test_sorted_sets_are_ordered_by_score_then_name(arena: Arena) -> None:
    """ZRANGE, both ways and with scores."""
    redis = await arena.client()
    assert 3 == await redis.zadd("z", {"b": 2, "a": 2, "c": 1})
    assert [b"c", b"a", b"b"] == await redis.zrange("z", 0, -1)
    assert [b"b", b"a"] == await redis.zrevrange("z", 0, 1)
    scored = await redis.zrange("z", 0, 0, withscores=True)
    assert [(b"c", 1.0)] == [(name, score) for name, score in scored]


async def test_scores(arena: Arena) -> None:
    """ZSCORE, ZINCRBY, ZMSCORE, ZRANK and ZCOUNT."""
    redis = await arena.client()
    await redis.zadd("z", {"a": 1, "b": 2.5})
    assert (2.5, None) == (await redis.zscore("z", "b"), await redis.zscore("z", "x"))
    assert 3.5 == await redis.zincrby("z", 2.5, "a")
    assert [3.5, None] == await redis.zmscore("z", ["a", "x"])
    assert (1, 0) == (await redis.zrank("z", "a"), await redis.zrevrank("z", "a"))
    assert (1, 2) == (await redis.zcount("z", "(2.5", "+inf"), await redis.zcard("z"))


async def test_sorted_set_conditions(arena: Arena) -> None:
    """NX only adds, XX only changes, GT only raises, CH counts changes."""
    redis = await arena.client()
    await redis.zadd("z", {"a": 5})
    assert 0 == await redis.zadd("z", {"a": 9}, nx=True)
    assert 0 == await redis.zadd("z", {"b": 1}, xx=True)
    assert 0 == await redis.zadd("z", {"a": 1}, gt=True, ch=True)
    assert 1 == await redis.zadd("z", {"a": 7}, ch=True)
    assert (7.0, 1) == (await redis.zscore("z", "a"), await redis.zcard("z"))


async def test_ranges_of_scores(arena: Arena) -> None:
    """ZRANGEBYSCORE with limits, ZREMRANGEBYSCORE, ZPOPMIN."""
    redis = await arena.client()
    await redis.zadd("z", {str(n): n for n in range(1, 7)})
    assert [b"3", b"4"] == await redis.zrangebyscore("z", "(2", 6, start=0, num=2)
    assert 2 == await redis.zremrangebyscore("z", "-inf", 2)
    popped = await redis.zpopmin("z")
    name, score = popped if arena.protocol == 3 else popped[0]
    assert (b"3", 3.0) == (name, score)
    assert [b"4", b"5", b"6"] == await redis.zrange("z", 0, -1)


async def test_a_score_must_be_a_number(arena: Arena) -> None:
    """Anything else is an error."""
    redis = await arena.client()
    with pytest.raises(ResponseError, match=r"^value is not a valid float$"):
        await redis.execute_command("ZADD", "z", "x", "a")


async def test_unions_of_sorted_sets(arena: Arena) -> None:
    """ZUNIONSTORE adds scores, ZINTERSTORE keeps what is in both."""
    redis = await arena.client()
    await redis.zadd("a", {"x": 1, "y": 2})
    await redis.zadd("b", {"y": 10})
    assert 2 == await redis.zunionstore("u", ["a", "b"])
    assert (12.0, 1) == (await redis.zscore("u", "y"), await redis.zinterstore("i", ["a", "b"]))


async def test_streams(arena: Arena) -> None:
    """XADD with given ids, XLEN, XRANGE, XDEL; ids must grow."""
    redis = await arena.client()
    assert b"1-1" == await redis.xadd("s", {"a": 1}, id="1-1")
    await redis.xadd("s", {"b": 2}, id="2-0")
    assert [(b"1-1", {b"a": b"1"}), (b"2-0", {b"b": b"2"})] == [
        tuple(entry) for entry in await redis.xrange("s")
    ]
    with pytest.raises(ResponseError, match="equal or smaller than the target stream top item"):
        await redis.xadd("s", {"c": 3}, id="2-0")
    assert (1, 1) == (await redis.xdel("s", "1-1"), await redis.xlen("s"))


async def test_consumer_groups(arena: Arena) -> None:
    """An entry goes to one consumer, stays pending until acknowledged."""
    redis = await arena.client()
    await redis.xgroup_create("s", "g", id="0", mkstream=True)
    await redis.xadd("s", {"a": 1}, id="1-0")
    assert await redis.xreadgroup("g", "one", {"s": ">"})
    assert not await redis.xreadgroup("g", "two", {"s": ">"})
    assert 1 == (await redis.xpending("s", "g"))["pending"]
    assert 1 == await redis.xack("s", "g", "1-0")
    assert 0 == (await redis.xpending("s", "g"))["pending"]


async def test_a_group_that_does_not_exist(arena: Arena) -> None:
    """Reading for it is an error that names it."""
    redis = await arena.client()
    await redis.xadd("s", {"a": 1})
    with pytest.raises(ResponseError, match=r"^NOGROUP No such key 's' or consumer group 'g'"):
        await redis.xreadgroup("g", "one", {"s": ">"})


async def test_sorting(arena: Arena) -> None:
    """SORT by number, by letter, limited and stored."""
    redis = await arena.client()
    await redis.rpush("l", 10, 9, 1)
    assert [b"1", b"9", b"10"] == await redis.sort("l")
    assert [b"1", b"10", b"9"] == await redis.sort("l", alpha=True)
    assert 2 == await redis.sort("l", start=0, num=2, store="out")
    assert [b"1", b"9"] == await redis.lrange("out", 0, -1)


async def test_hyperloglog(arena: Arena) -> None:
    """PFADD and PFCOUNT count distinct things, exactly when they are few."""
    redis = await arena.client()
    assert (1, 0) == (await redis.pfadd("p", "a", "b"), await redis.pfadd("p", "a"))
    assert 2 == await redis.pfcount("p")


async def test_places_on_earth(arena: Arena) -> None:
    """GEOADD and GEODIST."""
    redis = await arena.client()
    await redis.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
    assert 166274.15 == pytest.approx(await redis.geodist("g", "Palermo", "Catania"), rel=1e-3)
