"""Sums of decimal numbers, digit by digit."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from tests.conformance.redis.arenas import Arena

SUMS = [
    (["10.5", "0.1"], "10.6"),
    (["5.0e3", "2.0e2"], "5200"),
    (["0", "0.1", "0.2"], "0.3"),
    (["10.8", "-0.3"], "10.5"),
    (["1000100", "0.1"], "1000100.10000000000002274"),
    (["1e17", "0.123456789"], "100000000000000000.125"),
    (["0", "1e-20"], "0"),
    (["-1.5", "1.5"], "0"),
    (["3", "-3.25"], "-0.25"),
]


@pytest.mark.parametrize(("numbers", "total"), SUMS)
async def test_sums(arena: Arena, numbers: list[str], total: str) -> None:
    """INCRBYFLOAT and HINCRBYFLOAT add in 80 bits and print up to 17 decimals."""
    redis = await arena.client()
    first, *others = numbers
    await redis.set("k", first)
    await redis.hset("h", "f", first)
    for other in others:
        await redis.execute_command("INCRBYFLOAT", "k", other)
        await redis.execute_command("HINCRBYFLOAT", "h", "f", other)
    assert (total.encode(), total.encode()) == (await redis.get("k"), await redis.hget("h", "f"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("INCRBYFLOAT text 1", "value is not a valid float"),
        ("INCRBYFLOAT number x", "value is not a valid float"),
        ("INCRBYFLOAT number inf", "increment would produce NaN or Infinity"),
        ("HINCRBYFLOAT hash text 1", "hash value is not a float"),
        ("HINCRBYFLOAT hash number x", "value is not a valid float"),
    ],
)
async def test_what_is_no_number(arena: Arena, command: str, message: str) -> None:
    """Nothing is changed."""
    redis = await arena.client()
    await redis.mset({"text": "abc", "number": "1"})
    await redis.hset("hash", mapping={"text": "abc", "number": "1"})
    with pytest.raises(ResponseError, match=f"^{message}$"):
        await redis.execute_command(*command.split())
    assert b"1" == await redis.get("number")
