"""
A Redis server: RESP2 and RESP3 in front of fakeredis's commands and data.

- ``server``: ``Redis``: start, stop, restart with or without the data. Start here.
- ``connection``: one client's bytes, in order, each command when the capacity is done with it.
- ``session``: one client's state; finds a command, checks that it may run, runs it.
- ``commands``: what fakeredis lacks or answers differently from Redis.
- ``engine``: the data all sessions share, the clients that wait for it, and its snapshots.
- ``memory``: ``maxmemory`` and the eviction of keys.
- ``resp``: the protocol itself: bytes to commands, replies to bytes.

What is modelled and what is left out: ``docs/redis.md``.
"""

from umt_sim.servers.redis.engine import Persistence
from umt_sim.servers.redis.server import Redis

__all__ = ["Persistence", "Redis"]
