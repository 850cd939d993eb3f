"""Strings, expiry and what holds for keys of every type."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ResponseError

from tests.conformance.redis.arenas import Arena


async def test_what_is_set_is_got(arena: Arena) -> None:
    """GET gives the bytes of SET."""
    redis = await arena.client()
    assert await redis.set("key", b"a\r\n\x00\xff")
    assert b"a\r\n\x00\xff" == await redis.get("key")


async def test_a_missing_key_is_nothing(arena: Arena) -> None:
    """GET of no key is None, and EXISTS is 0."""
    redis = await arena.client()
    assert None is await redis.get("key")
    assert 0 == await redis.exists("key")


async def test_set_only_if_absent_or_present(arena: Arena) -> None:
    """NX keeps the first value, XX needs one, GET returns the old one."""
    redis = await arena.client()
    assert None is await redis.set("key", 1, xx=True)
    assert await redis.set("key", 1, nx=True)
    assert None is await redis.set("key", 2, nx=True)
    assert b"1" == await redis.set("key", 3, get=True)
    assert b"3" == await redis.get("key")


async def test_many_at_once(arena: Arena) -> None:
    """MSET and MGET keep the order of their keys; MSETNX is all or nothing."""
    redis = await arena.client()
    await redis.mset({"a": 1, "b": 2})
    assert [b"1", None, b"2"] == await redis.mget("a", "x", "b")
    assert not await redis.msetnx({"b": 9, "c": 9})
    assert None is await redis.get("c")


async def test_counting(arena: Arena) -> None:
    """INCR, DECRBY and INCRBYFLOAT count from nothing."""
    redis = await arena.client()
    assert [1, 11, 8] == [
        await redis.incr("n"),
        await redis.incr("n", 10),
        await redis.decr("n", 3),
    ]
    assert 1.5 == float(await redis.incrbyfloat("f", 1.5))


@pytest.mark.parametrize("value", ["a", "1.5", "9223372036854775808", " 1"])
async def test_only_whole_numbers_are_counted(arena: Arena, value: str) -> None:
    """INCR of anything else is an error and changes nothing."""
    redis = await arena.client()
    await redis.set("key", value)
    with pytest.raises(ResponseError, match=r"^value is not an integer or out of range$"):
        await redis.incr("key")
    assert value.encode() == await redis.get("key")


async def test_counting_past_the_end_is_refused(arena: Arena) -> None:
    """64 bits are the limit."""
    redis = await arena.client()
    await redis.set("key", 2**63 - 1)
    with pytest.raises(ResponseError, match=r"^increment or decrement would overflow$"):
        await redis.incr("key")


async def test_parts_of_strings(arena: Arena) -> None:
    """APPEND, STRLEN, GETRANGE and SETRANGE."""
    redis = await arena.client()
    assert 5 == await redis.append("key", "hello")
    assert 11 == await redis.append("key", " world")
    assert b"world" == await redis.getrange("key", -5, -1)
    assert 11 == await redis.setrange("key", 6, "there")
    assert (11, b"hello there") == (await redis.strlen("key"), await redis.get("key"))


async def test_getdel_and_getex(arena: Arena) -> None:
    """GETDEL takes the key away, GETEX gives it a time to live."""
    redis = await arena.client()
    await redis.mset({"a": 1, "b": 2})
    assert b"1" == await redis.getdel("a")
    assert b"2" == await redis.getex("b", ex=100)
    assert (None, 100) == (await redis.get("a"), await redis.ttl("b"))


async def test_bits(arena: Arena) -> None:
    """SETBIT, GETBIT, BITCOUNT and BITOP."""
    redis = await arena.client()
    assert [0, 0, 1] == [
        await redis.setbit("a", bit, value) for bit, value in ((7, 1), (3, 1), (7, 1))
    ]
    await redis.setbit("b", 7, 1)
    assert (1, 2) == (await redis.getbit("a", 3), await redis.bitcount("a"))
    await redis.bitop("AND", "c", "a", "b")
    assert b"\x01" == await redis.get("c")


async def test_a_key_expires(arena: Arena) -> None:
    """After its time to live a key is gone."""
    redis = await arena.client()
    await redis.set("key", 1, px=60)
    assert 0 < await redis.pttl("key") <= 60
    assert b"1" == await redis.get("key")
    await asyncio.sleep(0.08)
    assert (None, -2, 0) == (await redis.get("key"), await redis.ttl("key"), await redis.dbsize())


async def test_setting_again_forgets_the_expiry(arena: Arena) -> None:
    """Unless KEEPTTL is said; PERSIST forgets it too."""
    redis = await arena.client()
    await redis.set("key", 1, ex=100)
    await redis.set("key", 2, keepttl=True)
    assert 100 == await redis.ttl("key")
    assert await redis.persist("key")
    assert -1 == await redis.ttl("key")
    await redis.expire("key", 50)
    await redis.set("key", 3)
    assert -1 == await redis.ttl("key")


async def test_expire_conditions(arena: Arena) -> None:
    """NX, XX, GT and LT decide whether a time to live is set."""
    redis = await arena.client()
    await redis.set("key", 1)
    assert not await redis.expire("key", 10, xx=True)
    assert await redis.expire("key", 10, nx=True)
    assert not await redis.expire("key", 5, gt=True)
    assert await redis.expire("key", 5, lt=True)
    assert 5 == await redis.ttl("key")


async def test_an_expiry_in_the_past_deletes(arena: Arena) -> None:
    """EXPIRE with a negative time removes the key at once."""
    redis = await arena.client()
    await redis.set("key", 1)
    assert await redis.expire("key", -1)
    assert 0 == await redis.exists("key")


async def test_a_bad_expiry_is_refused(arena: Arena) -> None:
    """SET with a time to live of zero is an error."""
    redis = await arena.client()
    with pytest.raises(ResponseError, match=r"^invalid expire time in 'set' command$"):
        await redis.set("key", 1, ex=0)


async def test_deleting_counts_what_was_there(arena: Arena) -> None:
    """DEL, UNLINK and TOUCH count existing keys; EXISTS counts mentions."""
    redis = await arena.client()
    await redis.mset({"a": 1, "b": 2, "c": 3})
    assert 3 == await redis.exists("a", "a", "b", "x")
    assert (2, 1, 1) == (
        await redis.touch("a", "b", "x"),
        await redis.delete("a", "x"),
        await redis.unlink("b"),
    )


async def test_renaming(arena: Arena) -> None:
    """RENAME moves value and expiry; RENAMENX does not overwrite; no key is an error."""
    redis = await arena.client()
    await redis.set("a", 1, ex=100)
    await redis.rename("a", "b")
    assert (None, b"1", 100) == (await redis.get("a"), await redis.get("b"), await redis.ttl("b"))
    await redis.set("c", 2)
    assert not await redis.renamenx("b", "c")
    with pytest.raises(ResponseError, match=r"^no such key$"):
        await redis.rename("x", "y")


async def test_types_are_told(arena: Arena) -> None:
    """TYPE names the kind of value."""
    redis = await arena.client()
    await redis.set("string", 1)
    await redis.rpush("list", 1)
    await redis.sadd("set", 1)
    await redis.zadd("zset", {"a": 1})
    await redis.hset("hash", "a", 1)
    await redis.xadd("stream", {"a": 1})
    kinds = ["string", "list", "set", "zset", "hash", "stream"]
    assert [kind.encode() for kind in kinds] == [await redis.type(kind) for kind in kinds]
    assert b"none" == await redis.type("x")


@pytest.mark.parametrize(
    "command", ["LPUSH key 1", "SADD key 1", "HSET key f 1", "ZADD key 1 m", "XLEN key", "LLEN key"]
)
async def test_the_wrong_type_is_an_error(arena: Arena, command: str) -> None:
    """A command for another kind of value is refused and the value stays."""
    redis = await arena.client()
    await redis.set("key", "text")
    with pytest.raises(ResponseError) as caught:
        await redis.execute_command(*command.split())
    assert "WRONGTYPE Operation against a key holding the wrong kind of value" == str(caught.value)
    assert b"text" == await redis.get("key")


async def test_a_list_is_not_a_string(arena: Arena) -> None:
    """GET of a list is an error, SET replaces it."""
    redis = await arena.client()
    await redis.rpush("key", 1)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await redis.get("key")
    assert await redis.set("key", 1)


async def test_keys_by_pattern(arena: Arena) -> None:
    """KEYS and SCAN match globs."""
    redis = await arena.client()
    await redis.mset({"user:1": 1, "user:2": 1, "user:10": 1, "other": 1})
    assert [b"user:1", b"user:2"] == sorted(await redis.keys("user:?"))
    found = [key async for key in redis.scan_iter("user:*", count=1)]
    assert [b"user:1", b"user:10", b"user:2"] == sorted(set(found))
    assert [b"user:1", b"user:2"] == sorted(await redis.keys("user:[1-2]"))


async def test_databases_are_apart(arena: Arena) -> None:
    """SELECT changes the database; FLUSHDB empties only that one."""
    redis = await arena.client()
    await redis.set("key", "zero")
    await redis.select(3)
    assert None is await redis.get("key")
    await redis.set("key", "three")
    await redis.flushdb()
    assert 0 == await redis.dbsize()
    await redis.select(0)
    assert b"zero" == await redis.get("key")


async def test_a_database_that_does_not_exist(arena: Arena) -> None:
    """There are sixteen."""
    redis = await arena.client()
    with pytest.raises(ResponseError, match=r"^DB index is out of range$"):
        await redis.select(16)


async def test_flushall_empties_every_database(arena: Arena) -> None:
    """Not only the selected one."""
    redis = await arena.client()
    await redis.set("key", 1)
    await redis.select(1)
    await redis.set("key", 1)
    assert await redis.flushall()
    assert 0 == await redis.dbsize()
    await redis.select(0)
    assert 0 == await redis.dbsize()


async def test_copying(arena: Arena) -> None:
    """COPY does not overwrite unless told to."""
    redis = await arena.client()
    await redis.mset({"a": 1, "b": 2})
    assert not await redis.copy("a", "b")
    assert await redis.copy("a", "b", replace=True)
    assert b"1" == await redis.get("b")
