"""What we use of fakeredis without its promise is there."""

from __future__ import annotations

from fakeredis import _msgs
from fakeredis._commands import COMMANDS_WITH_SUB, SUPPORTED_COMMANDS
from fakeredis._core import Database, FakeServer
from fakeredis._socket._fakesocket import FakeSocket

from umt_sim.servers.redis.commands import OWN, OwnCommands


def test_the_private_names_exist() -> None:
    """A new version of fakeredis that lacks one fails here, by name."""
    missing = [
        f"{owner}: {name}"
        for owner, names in {
            Database(None): ["_dict", "_watches", "expired", "schedule_expiry", "wake_all"],
            FakeServer(): ["get_next_client_id"],
            FakeSocket: [
                *("_blocking", "_run_command", "_take_unblock_reason"),
                *("_keyspace_notifications", "_subkey_notifications", "_discard_subscriptions"),
                *("_clear_watches", "_forget_transaction", "_unsubscribe", "put_response", "kill"),
            ],
            _msgs: ["WRONGTYPE_MSG", "FLAG_TRANSACTION", "FLAG_NO_SCRIPT", "WRONG_ARGS_MSG6"],
        }.items()
        for name in names
        if not hasattr(owner, name)
    ]
    assert [] == missing


def test_every_own_command_has_its_method() -> None:
    """The table and the class agree."""
    methods = {signature.func_name for signature in OWN.values()} - {"zrangestore"}
    assert methods == {name for name in dir(OwnCommands) if name.startswith("own_")}


def test_the_usual_commands_are_there() -> None:
    """Those that clients and applications send most."""
    usual = "get set mget mset incr expire ttl del exists hset hgetall lpush blpop sadd smembers"
    usual += " zadd zrange xadd xread multi exec watch subscribe publish eval scan ping select"
    assert [] == [name for name in usual.split() if name not in SUPPORTED_COMMANDS]
    assert "client" in COMMANDS_WITH_SUB
