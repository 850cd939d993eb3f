"""The live world: the servers of one run, in real time, behind a Toxiproxy."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import replace
from random import Random
from typing import Any, Self, TypeVar

from umt_sim.errors import WorldError
from umt_sim.faults.actions import Action
from umt_sim.faults.timeline import Fault
from umt_sim.journal.recorder import Recorder
from umt_sim.servers.http import HttpUpstream
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint, StartAgain, Touched
from umt_sim.worlds.live.faults import Faults, Proxy, insist_on_possible, insist_on_survivable
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.knocking import insist_on_entry
from umt_sim.worlds.live.ledger import Ledger, replay
from umt_sim.worlds.live.looping import run_to_end
from umt_sim.worlds.live.providers.base import Provider, Site
from umt_sim.worlds.live.stopping import terminated_like_interrupted
from umt_sim.worlds.live.undo import DeleteProxy
from umt_sim.worlds.live.unhandled import note_unhandled
from umt_sim.worlds.live.upstreams import build
from umt_sim.worlds.live.versions import insist_on_version
from umt_sim.worlds.live.witness import Witness

__all__ = ["LiveWorld"]

T = TypeVar("T")


class LiveWorld:
    """
    Services as real servers, each behind a proxy of a real Toxiproxy.

    Entering starts everything; leaving undoes everything that the ledger holds, whatever
    happened. What killed runs have left is undone first.

    Programs of the system under test are tasks of this process: they share its event
    loop, and no fault can stop one of them alone.

    Args:
        services: What to supply.
        provider: Supplies it.
        seed: Names all randomness that is ours: arrivals, upstreams' service times.
        faults: What will be asked of it, so that it can refuse before anything is started.
    """

    name = "live"

    def __init__(
        self,
        services: Sequence[ServiceSpec],
        *,
        provider: Provider,
        seed: int,
        faults: Sequence[Fault] = (),
    ) -> None:
        self._specs = tuple(services)
        self._provider = provider
        self._seed = seed
        self._timeline = tuple(faults)
        self._stack = ExitStack()
        self._streams: dict[str, Random] = {}
        self._sites: dict[str, Site] = {}
        self._upstreams: dict[str, HttpUpstream] = {}
        self._proxies: dict[str, Proxy] = {}
        self._witnesses: list[Witness] = []
        self._toxiproxy = ""
        self._ledger: Ledger
        self._gateway: Gateway
        self._faults: Faults

    def __enter__(self) -> Self:
        kinds = {spec.name: spec.kind for spec in self._specs}
        timeline = [(fault.name, fault.action) for fault in self._timeline]
        insist_on_possible(timeline, kinds, self._provider)
        with ExitStack() as stack:
            stack.enter_context(terminated_like_interrupted())
            replay()
            self._ledger = stack.enter_context(Ledger.new())
            stack.callback(self._stop)
            self._sites = dict(self._provider.start(self._specs, self._ledger))
            self._gateway = Gateway(*self._provider.toxiproxy)
            self._toxiproxy = self._gateway.check()
            insist_on_survivable(timeline, self._toxiproxy)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:  # noqa: PYI036 - handed on as they are
        self._stack.__exit__(*exc_info)

    def _stop(self) -> None:
        """Stop the servers; what cannot be stopped is still in the ledger, which has its turn."""
        with suppress(OSError, WorldError):
            self._provider.stop()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """
        Run *main* to its end in real time; Ctrl-C and SIGTERM cancel it.

        What was imported until now is kept out of garbage collections: going through it
        would stop client, upstreams and drivers for tens of milliseconds each time.
        """
        gc.collect()
        gc.freeze()
        try:
            return run_to_end(main)
        finally:
            gc.unfreeze()

    def stream(self, path: str) -> Random:
        """The random stream of one concern, with the same numbers as in the sim world."""
        if path not in self._streams:
            self._streams[path] = Random(f"{self._seed}:{path}")
        return self._streams[path]

    async def set_up(self, recorder: Recorder) -> Mapping[str, Endpoint]:
        """Start our own upstreams, put a proxy before every server, and watch the brokers."""
        note_unhandled(recorder)
        try:
            await self._set_up(recorder)
        except BaseException:
            await self.tear_down()
            raise
        return {name: proxy.endpoint for name, proxy in self._proxies.items()}

    async def _set_up(self, recorder: Recorder) -> None:
        for spec in self._specs:
            if spec.kind == "http":
                self._sites[spec.name] = await self._start_upstream(spec, recorder)
            proxy = await asyncio.to_thread(self._open, spec.name)
            await insist_on_entry(proxy.endpoint, self._sites[spec.name].upstream)
            if spec.version is not None:
                await insist_on_version(proxy.endpoint, spec.version)
            self._proxies[spec.name] = proxy
        self._faults = Faults(
            provider=self._provider,
            gateway=self._gateway,
            ledger=self._ledger,
            proxies=self._proxies,
            upstreams=self._upstreams,
            version=self._toxiproxy,
        )
        for site in self._sites.values():
            if site.management:
                witness = Witness(site, recorder)
                await witness.start()
                self._witnesses.append(witness)

    def launch(self, host: str, program: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a program as a task of this process."""
        return asyncio.get_running_loop().create_task(program, name=host)

    def on_restart(self, host: str, start_again: StartAgain) -> None:
        """Nothing to remember: no fault of this world stops a program of the system."""

    async def begin(self, fault: str, action: Action) -> None:
        """Apply *action* under the name of its fault."""
        await self._faults.begin(fault, action)

    async def end(self, fault: str) -> Touched:
        """Undo the action begun as *fault* and say what it met."""
        return await self._faults.end(fault)

    async def tear_down(self) -> None:
        """Stop what is ours in this process; the rest ends when the world is left."""
        async with AsyncExitStack() as stack:
            for upstream in self._upstreams.values():
                stack.push_async_callback(upstream.stop)
            for witness in self._witnesses:
                stack.push_async_callback(witness.stop)
        self._witnesses.clear()
        self._upstreams.clear()

    def versions(self) -> Mapping[str, str]:
        """The provider, and what it started."""
        return {
            "provider": self._provider.name,
            "toxiproxy": self._toxiproxy,
            **self._provider.versions(),
        }

    def fingerprint(self) -> None:
        """None: reality cannot be replayed."""

    async def _start_upstream(self, spec: ServiceSpec, recorder: Recorder) -> Site:
        upstream = self._upstreams[spec.name] = build(spec, self.stream, recorder)
        address, called = self._provider.here
        await upstream.start(address, 0)
        server = Endpoint(service=spec.name, kind=spec.kind, host=address, port=upstream.port)
        return Site(server, f"{called}:{upstream.port}")

    def _open(self, service: str) -> Proxy:
        """Put a proxy before the server of *service*."""
        site, door = self._sites[service], self._provider.door(service)
        name = f"{self._ledger.id}-{service}"
        self._ledger.note(DeleteProxy(self._gateway.host, self._gateway.port, name))
        listening = self._gateway.create_proxy(name, listen=door.listen, upstream=site.upstream)
        host, port = door.reached or _split(listening)
        return Proxy(name, replace(site.server, host=host, port=port))


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
