"""Transactions, blocking, channels, and the connection itself."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import (
    AuthenticationError,
    ExecAbortError,
    NoPermissionError,
    ResponseError,
    WatchError,
)

from tests.conformance.redis.arenas import Arena


async def test_a_pipeline_answers_in_order(arena: Arena) -> None:
    """Errors stand at the place of their command; the others are carried out."""
    redis = await arena.client()
    pipeline = redis.pipeline(transaction=False)
    pipeline.set("a", 1).lpush("a", 1).incr("a")
    first, second, third = await pipeline.execute(raise_on_error=False)
    assert (True, 2) == (first, third)
    assert isinstance(second, ResponseError)


async def test_a_transaction_is_carried_out_together(arena: Arena) -> None:
    """EXEC answers with all replies; nobody sees half of it."""
    one, other = await arena.client(), await arena.client()
    pipeline = one.pipeline()
    pipeline.set("a", 1).incr("a").get("a").smembers("x")
    assert [True, 2, b"2", set()] == await pipeline.execute()
    assert b"2" == await other.get("a")


async def test_an_error_within_a_transaction_stops_nothing(arena: Arena) -> None:
    """The other commands are carried out all the same."""
    redis = await arena.client()
    pipeline = redis.pipeline()
    pipeline.set("a", "x").incr("a").set("b", 1)
    replies = await pipeline.execute(raise_on_error=False)
    assert isinstance(replies[1], ResponseError)
    assert b"1" == await redis.get("b")


async def test_a_command_that_cannot_be_queued_aborts(arena: Arena) -> None:
    """EXEC after an unknown command carries nothing out."""
    redis = await arena.client()
    await redis.execute_command("MULTI")
    await redis.execute_command("SET", "a", 1)
    with pytest.raises(ResponseError):
        await redis.execute_command("NONSENSE")
    with pytest.raises(ExecAbortError) as caught:
        await redis.execute_command("EXEC")
    assert "Transaction discarded because of previous errors." == str(caught.value)
    assert None is await redis.get("a")


async def test_a_watched_key_that_changes_aborts(arena: Arena) -> None:
    """EXEC does nothing if another client wrote a watched key."""
    one, other = await arena.client(), await arena.client()
    async with one.pipeline() as pipeline:
        await pipeline.watch("a")
        await other.set("a", 1)
        pipeline.multi()
        pipeline.set("a", 2)
        with pytest.raises(WatchError):
            await pipeline.execute()
    assert b"1" == await one.get("a")


async def test_a_watch_ends_with_the_transaction(arena: Arena) -> None:
    """UNWATCH, EXEC and DISCARD forget what was watched."""
    one, other = await arena.client(), await arena.client()
    async with one.pipeline() as pipeline:
        await pipeline.watch("a")
        await pipeline.unwatch()
        await other.set("a", 1)
        pipeline.multi()
        pipeline.set("a", 2)
        assert [True] == await pipeline.execute()


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (["EXEC"], "EXEC without MULTI"),
        (["DISCARD"], "DISCARD without MULTI"),
        (["MULTI", "MULTI"], "MULTI calls can not be nested"),
        (["MULTI", "WATCH a"], "WATCH inside MULTI is not allowed"),
    ],
)
async def test_transactions_out_of_order(arena: Arena, commands: list[str], message: str) -> None:
    """Each mistake has its own error."""
    redis = await arena.client()
    for command in commands[:-1]:
        await redis.execute_command(*command.split())
    with pytest.raises(ResponseError) as caught:
        await redis.execute_command(*commands[-1].split())
    assert message == str(caught.value)


async def test_discard_forgets_the_queue(arena: Arena) -> None:
    """Nothing queued is carried out."""
    redis = await arena.client()
    for command in ("MULTI", "SET a 1", "DISCARD"):
        await redis.execute_command(*command.split())
    assert None is await redis.get("a")


async def test_a_blocking_pop_waits_for_a_push(arena: Arena) -> None:
    """BLPOP answers when another client pushes."""
    one, other = await arena.client(), await arena.client()
    waiting = asyncio.create_task(one.blpop(["a", "b"], 5))
    await asyncio.sleep(0.05)
    await other.rpush("b", "x", "y")
    assert (b"b", b"x") == tuple(await waiting)
    assert [b"y"] == await other.lrange("b", 0, -1)


async def test_a_blocking_pop_takes_what_is_there(arena: Arena) -> None:
    """Without waiting, from the first list that has something."""
    redis = await arena.client()
    await redis.rpush("b", 1)
    await redis.rpush("c", 2)
    assert (b"b", b"1") == tuple(await redis.blpop(["a", "b", "c"], 1))


async def test_a_blocking_pop_gives_up(arena: Arena) -> None:
    """After its timeout the reply is nothing, and the client no longer waits."""
    one, other = await arena.client(), await arena.client()
    assert None is await one.blpop(["a"], 0.05)
    await other.rpush("a", 1)
    assert 1 == await other.llen("a")


async def test_who_waits_longest_is_served_first(arena: Arena) -> None:
    """Two clients block; the first gets the first element."""
    one, two, other = [await arena.client() for _ in range(3)]
    first = asyncio.create_task(one.blpop(["a"], 5))
    await asyncio.sleep(0.03)
    second = asyncio.create_task(two.blpop(["a"], 5))
    await asyncio.sleep(0.03)
    await other.rpush("a", 1)
    await other.rpush("a", 2)
    assert ((b"a", b"1"), (b"a", b"2")) == (tuple(await first), tuple(await second))


async def test_a_transaction_does_not_block(arena: Arena) -> None:
    """BLPOP within MULTI answers at once."""
    redis = await arena.client()
    pipeline = redis.pipeline()
    pipeline.blpop(["a"], 5)
    assert [None] == await pipeline.execute()


async def test_blocking_moves_and_sorted_pops(arena: Arena) -> None:
    """BLMOVE and BZPOPMIN wait like BLPOP."""
    one, other = await arena.client(), await arena.client()
    moving = asyncio.create_task(one.blmove("a", "b", 5, "LEFT", "RIGHT"))
    await asyncio.sleep(0.03)
    await other.rpush("a", 1)
    assert b"1" == await moving
    popping = asyncio.create_task(one.bzpopmin("z", 5))
    await asyncio.sleep(0.03)
    await other.zadd("z", {"m": 2.5})
    assert [b"z", b"m", 2.5] == list(await popping)


async def test_a_stream_is_awaited(arena: Arena) -> None:
    """XREAD with BLOCK answers when an entry is added."""
    one, other = await arena.client(), await arena.client()
    waiting = asyncio.create_task(one.xread({"s": "$"}, block=5000))
    await asyncio.sleep(0.03)
    await other.xadd("s", {"a": 1}, id="7-0")
    reply = await waiting
    entries = dict(reply)[b"s"]
    flat = (
        entries if arena.protocol == 2 else entries[0] if isinstance(entries[0], list) else entries
    )
    assert (b"7-0", {b"a": b"1"}) == tuple(flat[0])
    assert not await one.xread({"s": "$"}, block=20)


async def test_a_client_can_be_unblocked(arena: Arena) -> None:
    """CLIENT UNBLOCK ends a wait as if time were up, or with an error."""
    one, other = await arena.client(), await arena.client()
    number = await one.client_id()
    waiting = asyncio.create_task(one.blpop(["a"], 5))
    await asyncio.sleep(0.03)
    assert 1 == await other.client_unblock(number)
    assert None is await waiting
    waiting = asyncio.create_task(one.blpop(["a"], 5))
    await asyncio.sleep(0.03)
    assert 1 == await other.client_unblock(number, error=True)
    with pytest.raises(ResponseError, match="UNBLOCKED"):
        await waiting


async def test_messages_reach_subscribers(arena: Arena) -> None:
    """PUBLISH counts receivers; a channel and a pattern both get it."""
    redis, listener = await arena.client(), await arena.client()
    channel = listener.pubsub()
    await channel.subscribe("news")
    await channel.psubscribe("n*")
    kinds = [(await channel.get_message(timeout=1))["type"] for _ in range(2)]
    assert ["subscribe", "psubscribe"] == kinds
    assert (2, 0) == (await redis.publish("news", "hello"), await redis.publish("other", "x"))
    received = [await channel.get_message(timeout=1) for _ in range(2)]
    assert [("message", b"hello"), ("pmessage", b"hello")] == [
        (message["type"], message["data"]) for message in received
    ]
    await channel.aclose()


async def test_unsubscribing(arena: Arena) -> None:
    """Who has unsubscribed gets nothing more."""
    redis, listener = await arena.client(), await arena.client()
    channel = listener.pubsub()
    await channel.subscribe("a", "b")
    await channel.unsubscribe("a")
    counts = [(await channel.get_message(timeout=1))["data"] for _ in range(3)]
    assert [1, 2, 1] == counts
    assert (0, 1) == (await redis.publish("a", 1), await redis.publish("b", 1))
    await channel.aclose()


async def test_channels_are_listed(arena: Arena) -> None:
    """PUBSUB CHANNELS, NUMSUB and NUMPAT."""
    redis, listener = await arena.client(), await arena.client()
    channel = listener.pubsub()
    await channel.subscribe("news")
    await channel.psubscribe("n*")
    for _ in range(2):
        await channel.get_message(timeout=1)
    assert [b"news"] == await redis.pubsub_channels()
    assert [(b"news", 1)] == [tuple(pair) for pair in await redis.pubsub_numsub("news")]
    assert 1 == await redis.pubsub_numpat()
    await channel.aclose()


async def test_a_key_of_another_type_is_waited_out(arena: Arena) -> None:
    """Who waits for a list goes on waiting when somebody makes a string of its key."""
    waiting, redis = await arena.client(), await arena.client()
    popped = asyncio.create_task(waiting.blpop(["k"], timeout=5))
    await asyncio.sleep(0.05)
    await redis.set("k", "text")
    await asyncio.sleep(0.05)
    assert not popped.done()
    await redis.delete("k")
    await redis.rpush("k", "x")
    assert (b"k", b"x") == tuple(await popped)


async def test_a_lock_is_held_by_one(arena: Arena) -> None:
    """redis-py's own lock, which uses SET NX PX and a script."""
    one, other = await arena.client(), await arena.client()
    async with one.lock("resource", timeout=5):
        assert not await other.lock("resource", timeout=5, blocking=False).acquire()
    assert await other.lock("resource", timeout=5, blocking=False).acquire()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("GET", "wrong number of arguments for 'get' command"),
        ("GET a b", "wrong number of arguments for 'get' command"),
        ("MSET a", "wrong number of arguments for 'mset' command"),
        ("CLIENT SETNAME", "wrong number of arguments for 'client|setname' command"),
        ("CLIENT NONSENSE", "unknown subcommand 'NONSENSE'. Try CLIENT HELP."),
        ("NONSENSE", "unknown command 'NONSENSE', with args beginning with: "),
        ("NONSENSE a b", "unknown command 'NONSENSE', with args beginning with: 'a' 'b' "),
        ("SET a 1 EX", "syntax error"),
        ("SET a 1 NX XX", "syntax error"),
        ("EXPIRE a x", "value is not an integer or out of range"),
        ("LPOP a -1", "value is out of range, must be positive"),
        ("SELECT x", "value is not an integer or out of range"),
        ("BLPOP a -1", "timeout is negative"),
        ("BLPOP a x", "timeout is not a float or out of range"),
        ("AUTH x", "AUTH <password> called without any password configured for the default user."),
        (
            "CONFIG SET nonsense 1",
            "Unknown option or number of arguments for CONFIG SET - 'nonsense'",
        ),
    ],
)
async def test_errors_are_worded_as_redis_words_them(
    arena: Arena, command: str, message: str
) -> None:
    """Programs match on these texts."""
    redis = await arena.client()
    with pytest.raises((ResponseError, AuthenticationError)) as caught:
        await redis.execute_command(*command.split(" "))
    assert str(caught.value).startswith(message)


async def test_names_of_clients(arena: Arena) -> None:
    """CLIENT SETNAME, GETNAME, ID, LIST and INFO."""
    one, other = await arena.client(client_name="mine"), await arena.client()
    assert await one.client_getname() in ("mine", b"mine")
    assert await one.client_id() < await other.client_id()
    assert "mine" in [client["name"] for client in await other.client_list()]


async def test_a_client_can_be_killed(arena: Arena) -> None:
    """CLIENT KILL by id closes that connection."""
    one, other = await arena.client(), await arena.client()
    number = await one.client_id()
    assert 1 == await other.client_kill_filter(_id=number)
    await asyncio.sleep(0.03)
    assert number not in [int(client["id"]) for client in await other.client_list()]


async def test_ping_echo_and_time(arena: Arena) -> None:
    """The small ones."""
    redis = await arena.client()
    assert await redis.ping()
    assert b"hello" == await redis.echo("hello")
    seconds, microseconds = await redis.time()
    assert seconds > 0 <= microseconds < 1_000_000


async def test_passwords(arena: Arena) -> None:
    """With requirepass nothing goes without AUTH, and a wrong password is refused."""
    admin = await arena.client()
    await admin.config_set("requirepass", "secret")
    try:
        with pytest.raises(AuthenticationError):
            await (await arena.client()).get("a")
        with pytest.raises(AuthenticationError):
            await (await arena.client(password="wrong")).get("a")
        assert None is await (await arena.client(password="secret")).get("a")
    finally:
        await admin.config_set("requirepass", "")


async def test_users_may_do_what_their_rules_say(arena: Arena) -> None:
    """A user reads the keys it is allowed and nothing else."""
    admin = await arena.client()
    rules = "on >secret ~cached:* +get +hello +client"
    await admin.execute_command("ACL SETUSER", "alice", *rules.split())
    try:
        await admin.set("cached:a", 1)
        alice = await arena.client(username="alice", password="secret")
        assert b"1" == await alice.get("cached:a")
        with pytest.raises(NoPermissionError):
            await alice.set("cached:a", 2)
        with pytest.raises(NoPermissionError):
            await alice.get("other")
        with pytest.raises(AuthenticationError):
            await (await arena.client(username="alice", password="wrong")).get("cached:a")
        assert b"1" == await admin.get("cached:a")
    finally:
        await admin.acl_deluser("alice")


async def test_configuration_is_read_by_pattern(arena: Arena) -> None:
    """CONFIG GET takes globs, CONFIG SET changes what it gets."""
    redis = await arena.client()
    await redis.config_set("maxmemory", "100mb")
    try:
        assert "104857600" == (await redis.config_get("maxmemory*"))["maxmemory"]
    finally:
        await redis.config_set("maxmemory", "0")


async def test_a_full_memory_refuses_writes(arena: Arena) -> None:
    """With noeviction a write fails and a read does not."""
    redis = await arena.client()
    await redis.set("a", 1)
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(
            ResponseError, match="command not allowed when used memory > 'maxmemory'"
        ):
            await redis.set("b", 1)
        assert b"1" == await redis.get("a")
        assert 1 == await redis.delete("a")
    finally:
        await redis.config_set("maxmemory", "0")


async def test_information(arena: Arena) -> None:
    """INFO has the sections that clients and checks read."""
    redis = await arena.client()
    await redis.set("a", 1, ex=100)
    about = await redis.info()
    assert ("master", "standalone") == (about["role"], about["redis_mode"])
    assert {"keys": 1, "expires": 1} == {name: about["db0"][name] for name in ("keys", "expires")}


async def test_saving(arena: Arena) -> None:
    """SAVE answers OK and LASTSAVE moves on."""
    redis = await arena.client()
    assert await redis.save()
    assert await redis.lastsave()


async def test_there_are_no_replicas(arena: Arena) -> None:
    """WAIT for none returns at once."""
    redis = await arena.client()
    assert 0 == await redis.wait(0, 100)
    assert b"master" == (await redis.role())[0]
