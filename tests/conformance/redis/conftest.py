"""Each test of this folder runs against every Redis, in both protocols."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from tests.conformance.redis.arenas import Arena, RealArena, SimArena, StockArena
from umt_sim.worlds.live.programs.instance import Instance
from umt_sim.worlds.live.programs.redis import Redis
from umt_sim.worlds.live.servers import one_server


@pytest.fixture(scope="session")
def real_redis() -> Iterator[Instance]:
    """One real server for all tests."""
    program = Redis.find()
    if program is None:
        pytest.skip("redis-server is not installed")
    with one_server(program) as server:
        yield server


@pytest.fixture(params=["stock", "sim", pytest.param("real", marks=pytest.mark.live)])
def world(request: pytest.FixtureRequest) -> str:
    """Which Redis a test runs against."""
    return str(request.param)


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def arena(request: pytest.FixtureRequest, world: str) -> Arena:
    """The Redis a test runs against."""
    if world == "real":
        return RealArena(request.param, request.getfixturevalue("real_redis").port)
    return SimArena(request.param) if world == "sim" else StockArena(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests in their arena."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    arena = arguments["arena"]
    assert isinstance(arena, Arena)
    arena.run(pyfuncitem.obj(**arguments))
    return True
