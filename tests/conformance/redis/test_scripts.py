"""Lua: what scripts find, what they may do, and what is said when they fail."""

from __future__ import annotations

from hashlib import sha1
from typing import Any

import pytest
from redis.exceptions import NoScriptError, ResponseError

from tests.conformance.redis.arenas import Arena


async def test_scripts(arena: Arena) -> None:
    """EVAL reads and writes keys, and its replies become Redis replies."""
    redis = await arena.client()
    script = "redis.call('set', KEYS[1], ARGV[1]); return {redis.call('get', KEYS[1]), 3.9, false}"
    assert [b"v", 3, None] == await redis.eval(script, 1, "k", "v")
    sha = await redis.script_load("return ARGV[1]")
    assert b"x" == await redis.evalsha(sha, 0, "x")
    with pytest.raises(NoScriptError):
        await redis.evalsha("0" * 40, 0)


async def test_a_script_that_fails(arena: Arena) -> None:
    """An error of its own is passed on; pcall catches those of commands."""
    redis = await arena.client()
    with pytest.raises(ResponseError, match="my own"):
        await redis.eval("return redis.error_reply('my own')", 0)
    await redis.set("k", "text")
    script = "local r = redis.pcall('incr', KEYS[1]); return r.err ~= nil"
    assert 1 == await redis.eval(script, 1, "k")


async def test_compare_and_delete_by_script(arena: Arena) -> None:
    """The usual way to release a lock."""
    redis = await arena.client()
    script = (
        "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) end return 0"
    )
    await redis.set("lock", "mine", px=5000)
    assert 0 == await redis.eval(script, 1, "lock", "other")
    assert 1 == await redis.eval(script, 1, "lock", "mine")


LOCATED = {  # what a client is told of a script, without its place and name
    "error('boom')": "user_script:1: boom",
    "return none.at_all": (
        "user_script:1: Script attempted to access nonexistent global variable 'none'"
    ),
    "mine = 1": "user_script:1: Attempt to modify a readonly table",
    "return os.time()": (
        "user_script:1: Script attempted to access nonexistent global variable 'os'"
    ),
    "return redis.call('get')": "Wrong number of args calling Redis command from script",
    "return redis.call('nonsense')": "Unknown Redis command called from script",
    "return redis.call('multi')": "This Redis command is not allowed from script",
    "return redis.call('incr', 'text')": "value is not an integer or out of range",
}


async def refusal(redis: Any, *command: str) -> str:
    """What the server says of a command that fails, with the code."""
    with pytest.raises(ResponseError) as caught:
        await redis.execute_command(*command)
    error = caught.value
    return str(error)


@pytest.mark.parametrize(("script", "told"), LOCATED.items())
async def test_what_failed_is_told_with_its_place(arena: Arena, script: str, told: str) -> None:
    """The name of the script and its line."""
    redis = await arena.client()
    await redis.set("text", "x")
    for before, line in (("", 1), ("local a = 1\n\n", 3)):
        whole = before + script
        name = sha1(whole.encode(), usedforsecurity=False).hexdigest()
        expected = told.replace("user_script:1", f"user_script:{line}")
        expected += f" script: {name}, on @user_script:{line}."
        assert expected == await refusal(redis, "EVAL", whole, "0")


async def test_a_script_that_cannot_be_read(arena: Arena) -> None:
    """Errors of syntax come before anything runs."""
    expected = "Error compiling script (new function): user_script:2: '=' expected near 'error'"
    assert expected == await refusal(await arena.client(), "EVAL", "\nsyntax error", "0")


async def test_a_script_does_not_spoil_the_next(arena: Arena) -> None:
    """One that tries to set a global variable fails alone."""
    redis = await arena.client()
    with pytest.raises(ResponseError):
        await redis.eval("counter = 1; return redis.call('set', 'k', 'v')", 0)
    with pytest.raises(ResponseError):
        await redis.eval("setmetatable(_G, {__index = function() error('no') end})", 0)
    assert b"OK" == await redis.eval("return redis.call('set', 'k', 'w')", 0)
    assert b"w" == await redis.get("k")


@pytest.mark.parametrize(("reply", "told"), [("short", "short"), ("MY own words", "MY own words")])
async def test_an_error_without_a_code_gets_one(arena: Arena, reply: str, told: str) -> None:
    """A single word would be taken for the code: ERR is put before it."""
    wire = await arena.wire()
    text = f"return redis.error_reply('{reply}')"
    request = f"*3\r\n$4\r\nEVAL\r\n${len(text)}\r\n{text}\r\n$1\r\n0\r\nQUIT\r\n"
    code = "ERR " if " " not in told else ""
    assert f"-{code}{told}\r\n+OK\r\n".encode() == await wire.rest(request.encode())


async def test_scripts_that_may_not_write(arena: Arena) -> None:
    """EVAL_RO and EVALSHA_RO read; the first command that would write ends them."""
    redis = await arena.client()
    await redis.set("k", "v")
    reading = "return redis.call('get', KEYS[1])"
    writing = "return redis.call('del', KEYS[1])"
    assert b"v" == await redis.eval_ro(reading, 1, "k")
    assert b"v" == await redis.evalsha_ro(await redis.script_load(reading), 1, "k")
    told = await refusal(redis, "EVAL_RO", writing, "1", "k")
    assert told.startswith("Write commands are not allowed from read-only scripts. script: ")
    assert b"v" == await redis.get("k")


async def test_digests(arena: Arena) -> None:
    """redis.sha1hex, as EVALSHA wants it."""
    redis = await arena.client()
    digest = await redis.eval("return redis.sha1hex(ARGV[1])", 0, "return 7")
    await redis.script_load("return 7")
    assert 7 == await redis.evalsha(digest, 0)


async def test_random_numbers_have_a_seed(arena: Arena) -> None:
    """math.random is the server's own: the same after the same seed, wherever it runs."""
    redis = await arena.client()
    script = "math.randomseed(3); return {math.random(1000), math.random(5, 10), math.random(2)}"
    assert [784, 10, 1] == await redis.eval(script, 0)
