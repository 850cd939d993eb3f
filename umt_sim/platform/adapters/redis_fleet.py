"""
What a fleet shares about its breakers, in Redis or Valkey.

Each method is one Lua script, so it is atomic, and all times are the server's ``TIME``, so
members' clocks do not matter. A breaker is one hash and one sorted set of probe leases:

    breaker:{name}          round, until (ms), closed, calls, failed, slow, number
    breaker:{name}:probes   number of a running probe -> end of its lease (ms)

A hash that nobody touches for a day is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from umt_sim.platform.adapters.redis_driver import connect, translated
from umt_sim.platform.configuration import RedisSettings
from umt_sim.platform.ports.fleet_store import FleetState, FleetView, Probe, Tally

__all__ = ["RedisFleetStore"]

# KEYS: the hash, the leases. A view is the state (0 closed, 1 open, 2 half-open), round, ms left.
_PRELUDE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function keep()
  redis.call('PEXPIRE', KEYS[1], 86400000)
  redis.call('PEXPIRE', KEYS[2], 86400000)
end
local function number(field) return tonumber(redis.call('HGET', KEYS[1], field) or '0') end
local function view()
  if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, 0} end
  if number('closed') == 1 then return {0, number('round'), 0} end
  local left = number('until') - now
  if left > 0 then return {1, number('round'), left} end
  return {2, number('round'), 0}
end
"""

_READ = _PRELUDE + "return view()"

# ARGV: wait in ms
_OPEN = (
    _PRELUDE
    + """
local seen = view()
if seen[1] == 1 then return seen end
redis.call('HSET', KEYS[1], 'round', seen[2] + 1, 'until', now + ARGV[1],
           'closed', 0, 'calls', 0, 'failed', 0, 'slow', 0, 'number', 0)
redis.call('DEL', KEYS[2])
keep()
return view()
"""
)

# ARGV: budget, lease in ms. Answers {3, round, number} if a probe was taken.
_TAKE = (
    _PRELUDE
    + """
local seen = view()
if seen[1] ~= 2 then return seen end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if number('calls') + redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then return seen end
local probe = redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('ZADD', KEYS[2], now + ARGV[2], probe)
keep()
return {3, seen[2], probe}
"""
)

# ARGV: round, number, failed + 2 * slow or -1 to give it back.
# Answers {} if the probe no longer counts.
_REPORT = (
    _PRELUDE
    + """
local seen = view()
if seen[1] ~= 2 or seen[2] ~= tonumber(ARGV[1]) then return {} end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZREM', KEYS[2], ARGV[2]) == 0 then return {} end
local outcome = tonumber(ARGV[3])
if outcome >= 0 then
  redis.call('HINCRBY', KEYS[1], 'calls', 1)
  if outcome % 2 == 1 then redis.call('HINCRBY', KEYS[1], 'failed', 1) end
  if outcome >= 2 then redis.call('HINCRBY', KEYS[1], 'slow', 1) end
end
keep()
return {number('calls'), number('failed'), number('slow')}
"""
)

# ARGV: round
_CLOSE = (
    _PRELUDE
    + """
if number('round') == tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'closed', 1)
  redis.call('DEL', KEYS[2])
  keep()
end
return {}
"""
)

_STATES = (FleetState.CLOSED, FleetState.OPEN, FleetState.HALF_OPEN)
_TAKEN = 3


class RedisFleetStore:
    """The fleet's memory. One attempt per command, with a deadline; see ``redis_driver``."""

    def __init__(self, settings: RedisSettings, *, prefix: str = "breaker") -> None:
        self._prefix = prefix
        self._redis = connect(settings)

    async def read(self, breaker: str) -> FleetView:
        """What the fleet knows now."""
        return _view(await self._run("read", _READ, breaker))

    async def open(self, breaker: str, seconds: float) -> FleetView:
        """Open for *seconds*, unless it is open."""
        return _view(await self._run("open", _OPEN, breaker, _ms(seconds)))

    async def take(self, breaker: str, budget: int, lease_seconds: float) -> Probe | FleetView:
        """Take one of *budget* probes of the round."""
        answer = await self._run("take", _TAKE, breaker, budget, _ms(lease_seconds))
        return Probe(answer[1], answer[2]) if answer[0] == _TAKEN else _view(answer)

    async def report(
        self, breaker: str, probe: Probe, *, failed: bool, slow: bool, counts: bool = True
    ) -> Tally | None:
        """End a probe, or give it back."""
        code = failed + 2 * slow if counts else -1
        answer = await self._run("report", _REPORT, breaker, probe.round, probe.number, code)
        return Tally(*answer) if answer else None

    async def close(self, breaker: str, round_: int) -> None:
        """Close, if this is still the round."""
        await self._run("close", _CLOSE, breaker, round_)

    async def disconnect(self) -> None:
        """Give up the connections."""
        await self._redis.aclose(close_connection_pool=True)

    async def _run(self, operation: str, script: str, breaker: str, *arguments: int) -> list[int]:
        keys = f"{self._prefix}:{{{breaker}}}", f"{self._prefix}:{{{breaker}}}:probes"
        with translated("fleet store", operation):
            answer = await cast("Any", self._redis.eval(script, 2, *keys, *map(str, arguments)))
        return list(answer)


def _view(answer: Sequence[int]) -> FleetView:
    state = _STATES[answer[0]] if answer[1] else FleetState.UNKNOWN
    return FleetView(state, answer[1], answer[2] / 1000)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
