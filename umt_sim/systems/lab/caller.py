"""
A program that calls HTTP services, each under the policy of its name.

Its operations are the services' names, and two more: ``any`` calls one of them, each as
likely as the others, and ``through_all`` calls the first of them through all policies of
the scenario, one inside the other, as layers of libraries and services do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from umt_sim.platform.errors import PortTimeout
from umt_sim.platform.policies import MakeBreaker
from umt_sim.platform.ports.http_gateway import HttpResponse
from umt_sim.platform.resilience import CallTimedOut, ResiliencePolicy
from umt_sim.systems.base import Setting
from umt_sim.systems.lab.gateway import StreamGateway
from umt_sim.systems.lab.guards import SHARED, guards
from umt_sim.workload.operations import Arrival, Operations, Perform

if TYPE_CHECKING:
    from random import Random

__all__ = ["start"]

Call = Callable[..., Awaitable[HttpResponse]]


@asynccontextmanager
async def start(
    setting: Setting, make_breaker: MakeBreaker | None = None
) -> AsyncIterator[Operations]:
    """Open a gateway to each service; leaving closes them. *make_breaker* is for ``guards``."""
    async with AsyncExitStack() as stack:
        gateways = {
            name: StreamGateway(endpoint)
            for name, endpoint in setting.endpoints.items()
            if endpoint.kind == "http"
        }
        for gateway in gateways.values():
            stack.push_async_callback(gateway.close)
        caller = _Caller(gateways, guards(setting, make_breaker), setting.stream("caller"))
        yield Operations(caller.operations, unknown=(PortTimeout, CallTimedOut))


class _Caller:
    """Calls services under their policies."""

    def __init__(
        self,
        gateways: Mapping[str, StreamGateway],
        policies: Mapping[str, ResiliencePolicy],
        stream: Random,
    ) -> None:
        self._gateways = gateways
        self._policies = policies
        self._stream = stream
        self._names = list(gateways)

    @property
    def operations(self) -> Mapping[str, Perform]:
        """What a workload may ask for."""
        calls = {name: partial(self._call, name) for name in self._names}
        return {**calls, "any": self._call_any, "through_all": self._call_through_all}

    async def _call(self, name: str, arrival: Arrival) -> None:
        policy = self._policies.get(name) or self._policies.get(SHARED) or ResiliencePolicy(name)
        await policy.call(self._gateways[name].request, "GET", f"/{arrival.number}")

    async def _call_any(self, arrival: Arrival) -> None:
        await self._call(self._stream.choice(self._names), arrival)

    async def _call_through_all(self, arrival: Arrival) -> None:
        call: Call = self._gateways[self._names[0]].request
        for policy in reversed(tuple(self._policies.values())):
            call = policy(call)
        await call("GET", f"/{arrival.number}")
