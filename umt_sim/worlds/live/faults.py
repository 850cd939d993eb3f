"""Performs faults on real servers: Toxiproxy does toxics and down, the provider the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from umt_sim.errors import UnsupportedFault, WorldUnavailable
from umt_sim.faults.actions import Action, AddToxic, Down, Kill, Pause, ServerRestart, Stream
from umt_sim.servers.http import HttpUpstream
from umt_sim.worlds.base import Endpoint, Touched, server_host
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.providers.base import Provider, Verb
from umt_sim.worlds.live.tally import Tally
from umt_sim.worlds.live.undo import EnableProxy, RemoveToxic

__all__ = ["Faults", "Proxy", "insist_on_possible", "insist_on_survivable"]

BY_TOXIPROXY = (AddToxic, Down)
SURVIVES = (2, 13)
"""The first Toxiproxy that no toxic of ours crashes or hangs."""

VERBS: Mapping[type[Action], Verb] = {ServerRestart: "stop", Kill: "kill", Pause: "pause"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    The proxy of one service.

    Attributes:
        name: As Toxiproxy knows it; carries the run's id.
        endpoint: Where clients reach it.
    """

    name: str
    endpoint: Endpoint


@dataclass(slots=True)
class _Begun:
    """A fault that is active: how it is undone, and what it meets."""

    tally: Tally
    undo: list[Callable[[], None]] = field(default_factory=list)
    upstream: tuple[HttpUpstream, int] | None = None


def insist_on_possible(
    faults: Iterable[tuple[str, Action]], kinds: Mapping[str, str], provider: Provider
) -> None:
    """
    Look at named actions before anything is done.

    Args:
        faults: Their names and what they do.
        kinds: Services and what they speak.
        provider: Whose servers they are.

    Raises:
        UnsupportedFault: The first that cannot be done, with all that can.
    """
    for name, action in faults:
        if not _possible(action, kinds, provider):
            what = f"{action.kind} of {action.target} ({name})"
            raise UnsupportedFault(f"live ({provider.name})", what, _abilities(provider))


def insist_on_survivable(faults: Iterable[tuple[str, Action]], version: str) -> None:
    """
    Look for toxics that crash or hang a Toxiproxy before 2.13.

    Args:
        faults: Their names and what they do.
        version: Of the Toxiproxy; one that does not know its version is taken for an old one.

    Raises:
        WorldUnavailable: It would not survive a fault.
    """
    if version != "git" and tuple(map(int, version.split(".")[:2])) >= SURVIVES:
        return
    for name, action in faults:
        hazards = action.toxic.hazards_212() if isinstance(action, AddToxic) else ()
        if hazards:
            raise WorldUnavailable(
                "toxiproxy",
                f"version {version} would not survive {name!r}: {'; '.join(hazards)}",
                remedy="or use Toxiproxy 2.13",
            )


def _possible(action: Action, kinds: Mapping[str, str], provider: Provider) -> bool:
    if isinstance(action, BY_TOXIPROXY):
        return True
    verb = VERBS.get(type(action))
    service = _service(action)
    if verb is None or service not in kinds:
        return False
    if kinds[service] == "http":
        return verb == "stop"
    return verb in provider.verbs


def _abilities(provider: Provider) -> list[str]:
    said = {"stop": "restart", "kill": "kill of a server", "pause": "pause of a server"}
    return ["every toxic", "down", *(said[verb] for verb in provider.verbs)]


def _service(action: Action) -> str:
    """The service that *action* is about, also where it names the host of its server."""
    if isinstance(action, Kill | Pause):
        return action.target.removesuffix(server_host(""))
    return action.target


class Faults:
    """
    The faults of one run.

    Args:
        provider: Stops, kills and freezes servers.
        gateway: Speaks to Toxiproxy.
        ledger: Where the undoing is written down first.
        proxies: By service.
        upstreams: Our own HTTP servers, by service.
        version: Of the Toxiproxy.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        gateway: Gateway,
        ledger: Ledger,
        proxies: Mapping[str, Proxy],
        upstreams: Mapping[str, HttpUpstream],
        version: str,
    ) -> None:
        self._provider = provider
        self._gateway = gateway
        self._ledger = ledger
        self._proxies = proxies
        self._upstreams = upstreams
        self._version = version
        self._kinds = {name: proxy.endpoint.kind for name, proxy in proxies.items()}
        self._begun: dict[str, _Begun] = {}

    async def begin(self, name: str, action: Action) -> None:
        """
        Let *action* happen; returns when it has.

        Raises:
            UnsupportedFault: It cannot be done here.
            WorldUnavailable: The Toxiproxy would not survive it.
        """
        insist_on_possible([(name, action)], self._kinds, self._provider)
        insist_on_survivable([(name, action)], self._version)
        proxy = self._proxies[_service(action)]
        begun = self._begun[name] = _Begun(Tally(proxy.endpoint.port))
        begun.tally.begin()
        match action:
            case AddToxic():
                await asyncio.to_thread(self._add_toxic, name, action, proxy, begun)
            case Down():
                await asyncio.to_thread(self._disable, proxy, begun)
            case ServerRestart(service=service) if service in self._upstreams:
                upstream = self._upstreams[service]
                begun.upstream = (upstream, upstream.port)
                await upstream.stop()
            case _:
                await asyncio.to_thread(self._do, action, begun)

    async def end(self, name: str) -> Touched:
        """Take the fault back, the latest step first; what it met."""
        begun = self._begun.pop(name)
        try:
            for undo in reversed(begun.undo):
                await asyncio.to_thread(undo)
            if begun.upstream is not None:
                upstream, port = begun.upstream
                await upstream.start(self._provider.here[0], port)
        finally:
            touched = await begun.tally.end()
        return touched

    def _add_toxic(self, fault: str, action: AddToxic, proxy: Proxy, begun: _Begun) -> None:
        streams = [action.stream]
        if action.stream is Stream.BOTH:
            streams = [Stream.UPSTREAM, Stream.DOWNSTREAM]
        for stream in streams:
            toxic = f"{self._ledger.id}-{fault}-{stream.value}"
            step = RemoveToxic(self._gateway.host, self._gateway.port, proxy.name, toxic)
            begun.undo.append(self._undoing(self._ledger.note(step)))
            self._gateway.add_toxic(
                proxy.name,
                toxic,
                type=action.toxic.type,
                stream=stream.value,
                toxicity=action.toxicity,
                attributes=action.toxic.attributes(),
            )

    def _disable(self, proxy: Proxy, begun: _Begun) -> None:
        step = EnableProxy(self._gateway.host, self._gateway.port, proxy.name)
        begun.undo.append(self._undoing(self._ledger.note(step)))
        self._gateway.set_enabled(proxy.name, enabled=False)

    def _do(self, action: Action, begun: _Begun) -> None:
        verb, service = VERBS[type(action)], _service(action)
        begun.undo.append(lambda: self._provider.revive(verb, service))
        self._provider.do(verb, service)

    def _undoing(self, number: int) -> Callable[[], None]:
        return lambda: self._ledger.settle(number)
