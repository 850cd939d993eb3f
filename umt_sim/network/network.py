"""
The simulated network: hosts with names, routes between them, connections, proxies.

It gives the kernel's loop its sockets, so drivers and servers run on it
unmodified. Nothing takes time unless a latency or a toxic says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context, copy_context
from errno import EADDRNOTAVAIL
from typing import TYPE_CHECKING, cast

from simpy.events import NORMAL, Event

from umt_sim.faults.actions import Action
from umt_sim.kernel.hosts import Host, HostState, current_host
from umt_sim.kernel.sockets import Address, AddressInfo
from umt_sim.network.alarm import EventAlarm, NoAlarm
from umt_sim.network.datagram import DatagramSocket, Parcel
from umt_sim.network.directory import EVERYWHERE, OWN, Directory
from umt_sim.network.effects import Effect, begin
from umt_sim.network.flow import Flow
from umt_sim.network.ground import Alarm
from umt_sim.network.handshake import Handshake
from umt_sim.network.listener import Listener
from umt_sim.network.proxy import Proxy
from umt_sim.network.route import Route
from umt_sim.network.routine import Wake
from umt_sim.network.site import LOOPBACK, Site
from umt_sim.network.stream import StreamSocket
from umt_sim.network.system import install
from umt_sim.network.touched import Touched
from umt_sim.network.virtual import VirtualGround

if TYPE_CHECKING:
    from random import Random

    from umt_sim.kernel.kernel import Kernel

__all__ = ["HARNESS", "Network"]

HARNESS = "harness"
"""The host of whoever belongs to no host: tests, the runner, and servers started by them."""

WINDOW = 262_144  # bytes under way or unread in one direction: send and receive buffer together


class Network:
    """
    Everything between the programs of one simulation. Attaches itself to the kernel's loop.

    Args:
        kernel: Its loop, tape and random streams are used.
        window: Bytes that one direction of a connection can hold, unread ones included.
    """

    def __init__(self, kernel: Kernel, *, window: int = WINDOW) -> None:
        self._loop = kernel.loop
        self._streams = kernel.streams
        self._window = window
        self._directory = Directory(kernel.loop.sockets, kernel.tape)
        self._directory.site(HARNESS)
        self._hosts: dict[str, Host] = {}
        self._off: dict[str, Touched] = {}
        self._killed: dict[str, None] = {}
        self._places: dict[str, tuple[Site, int]] = {}
        self._routes: dict[tuple[str, str], Route] = {}
        self._connections = 0
        # Alarms belong to no host: bytes under way arrive although their sender has crashed.
        self._nowhere: Context = copy_context()
        self.now = kernel.loop.time
        self.proxies: dict[str, Proxy] = {}
        self._effects: dict[str, Effect] = {}
        kernel.loop.attach(self)
        install(kernel, self)

    # Hosts and the routes between them

    def host(self, name: str) -> Host:
        """The host of that name, made at the first mention."""
        if name not in self._hosts:
            host = self._hosts[name] = Host(name, self._loop)
            host.on_change.append(self._host_changed)
            self._directory.site(name)
        return self._hosts[name]

    def route(self, source: str, target: str) -> Route:
        """The way from one host to another, in that direction."""
        route = self._routes.get((source, target))
        if route is None:
            route = self._routes[source, target] = Route(source, target)
            for name in (source, target):
                if name in self._off and source != target:
                    route.cut(self._off[name])
        return route

    def latency(
        self, left: str, right: str, seconds: float, *, bytes_per_second: float | None = None
    ) -> None:
        """
        Say how long everything takes between two hosts, each way, when nothing is wrong.

        Args:
            left: One host. Connections to a proxy reach it and go on from it, so both
                parts of the way count.
            right: The other.
            seconds: One way.
            bytes_per_second: Rate of each flow; ``None`` for no limit.

        Raises:
            ValueError: The time is negative, or the rate is not above 0.
        """
        self.route(left, right).configure(seconds, bytes_per_second)
        self.route(right, left).configure(seconds, bytes_per_second)

    def site(self, name: str) -> Site:
        """
        A host's place in this network.

        Raises:
            ValueError: No host has that name; the message lists those there are.
        """
        site = self._directory.named(name)
        if site is None:
            names = ", ".join(self._directory.names())
            raise ValueError(f"the network has no host {name!r}; it has {names}")
        return site

    def place(self, target: str) -> tuple[Site, int | None]:
        """
        Where the proxy or host named *target* is: its site, and a proxy's port.

        Raises:
            ValueError: There is neither; the message lists those there are.
        """
        return self._places.get(target) or (self.site(target), None)

    def crash(self, host: Host, touched: Touched) -> None:
        """Cut the power of *host*; *touched* counts what is sent to it in vain."""
        self._off[host.name] = touched
        host.crash()

    def kill(self, host: Host) -> None:
        """Kill every program of *host*. Its system resets their connections and refuses others."""
        self._killed[host.name] = None
        self._directory.site(host.name).close_everything()
        host.crash()

    # Proxies

    def proxy(self, name: str, *, listen: tuple[str, int], upstream: tuple[str, int]) -> Proxy:
        """
        Put an enabled proxy between two addresses.

        It stands on the host named in *listen*, which is made if there is none.

        Raises:
            ValueError: There is a proxy of that name.
            OSError: The listening address is taken.
        """
        if name in self.proxies:
            raise ValueError(f"there is a proxy {name!r} already")
        self.host(listen[0])
        self.host(upstream[0])
        ground = VirtualGround(self, self._directory.site(listen[0]))
        proxy = Proxy(name, listen=listen, upstream=upstream, ground=ground)
        proxy.enable()
        self.proxies[name] = proxy
        self._places[name] = (self._directory.site(listen[0]), proxy.listen[1])
        return proxy

    def reset(self) -> None:
        """Enable every proxy and take every toxic away."""
        for proxy in self.proxies.values():
            proxy.reset()

    # Faults

    def begin(self, fault: str, action: Action) -> None:
        """
        Let *action* happen under the name of its fault.

        Programs are their owner's business: after the end of a ``Crash`` or ``Kill`` the
        host is on and empty, and of what happens in a server the network only counts
        whom it meets.

        Raises:
            ValueError: A fault of that name is active, or the target is unknown.
        """
        if fault in self._effects:
            raise ValueError(f"the fault {fault!r} is active already")
        self._effects[fault] = begin(self, fault, action)

    def end(self, fault: str) -> Touched:
        """
        Undo what was begun as *fault*, and say what it has met.

        Raises:
            ValueError: No fault of that name is active.
        """
        if fault not in self._effects:
            active = ", ".join(self._effects) or "none"
            raise ValueError(f"no fault {fault!r} is active; active: {active}")
        effect = self._effects.pop(fault)
        effect.undo.close()
        return effect.touched

    # What the loop asks (``SocketSource``)

    async def connect(self, host: str, port: int, *, local: Address | None = None) -> StreamSocket:
        """
        Open a connection from the current host.

        Raises:
            OSError: Refused, unanswered for 127 s, or no such host.
        """
        del local  # a simulated host has one address
        decided = self._loop.create_future()

        def wake() -> None:
            if not decided.done():
                decided.set_result(None)

        handshake = self.dial(self._here(), (host, port), wake)
        try:
            # Even an outcome known at once costs a pass of the loop, as `getaddrinfo` does in
            # reality: a client that retries without a pause must not stop the world.
            await asyncio.sleep(0)
            await decided
        except asyncio.CancelledError:
            handshake.abandon()
            raise
        outcome = handshake.outcome
        if isinstance(outcome, OSError):
            raise outcome
        assert outcome is not None
        return outcome

    def listen(self, host: str | None, port: int, *, backlog: int = 100) -> Listener:
        """
        Listen at the current host. The harness may listen at any host, by its name.

        Raises:
            OSError: The address is taken, or is another host's.
        """
        here = self._here()
        if host in EVERYWHERE:
            return here.listen("0.0.0.0", port, backlog)  # noqa: S104 - of a simulated host
        assert host is not None
        site = self._directory.find(host, here)
        if site is not here and here.name != HARNESS:
            raise OSError(EADDRNOTAVAIL, f"{host} is not an address of {here.name}")
        return site.listen(LOOPBACK if host in OWN else site.ip, port, backlog)

    def datagram(self, local: Address | None, remote: Address | None) -> DatagramSocket:
        """Bind a datagram socket at the current host."""
        here = self._here()
        port = (local[1] if local else 0) or here.free_port()
        if port in here.datagrams:
            raise OSError(EADDRNOTAVAIL, f"port {port} of {here.name} is in use")
        peer = None
        if remote is not None:
            peer = (self._directory.find(remote[0], here).ip, remote[1])
        socket = DatagramSocket(here, (here.ip, port), peer, self._carry)
        here.datagrams[port] = socket
        return socket

    async def resolve(
        self,
        host: str | None,
        port: int | str | None,
        *,
        family: int = 0,
        kind: int = 0,
        flags: int = 0,
    ) -> Sequence[AddressInfo]:
        """Look a name up. Takes no time."""
        del flags  # every simulated address is as good for listening as for connecting
        return self._directory.resolve(host, port, self._here(), family, kind)

    # What proxies and faults need

    def call_at(self, when: float, callback: Wake) -> Alarm:
        """Call *callback* at a virtual time, whatever happens to the host that asks."""
        if self._loop.is_closed():  # a transport that is collected late closes its socket late
            return NoAlarm()
        return self._loop.call_at(when, callback, context=self._nowhere)

    def ring_at(self, when: float, callback: Wake) -> Alarm:
        """Like ``call_at``, cheaper, for what is hardly ever cancelled."""
        if self._loop.is_closed():
            return NoAlarm()
        alarm = EventAlarm(callback)
        env = self._loop.env
        env.schedule(cast("Event", alarm), NORMAL, max(0.0, when - env.now))
        return alarm

    def stream(self, path: str) -> Random:
        """The random stream of one concern."""
        return self._streams.stream(path)

    def dial(self, source: Site, address: tuple[str, int], wake: Wake) -> Handshake:
        """
        Begin to connect *source* to *address*.

        Raises:
            socket.gaierror: No such host.
        """
        target = self._directory.find(address[0], source)
        return Handshake(self, source, target, address, wake).start()

    def pair(
        self, source: Site, target: Site, address: tuple[str, int], listener: Listener
    ) -> StreamSocket:
        """
        Both ends of a new connection, joined by a flow each way.

        Returns:
            The client's end. The server's goes to *listener* when it hears of it.
        """
        self._connections += 1
        number = self._connections
        own = source is target
        client_address = (LOOPBACK if own else source.ip, source.free_port())
        server_address = (LOOPBACK if own else target.ip, address[1])
        client = source.connection(client_address, server_address, f"{number} {source.name}")
        server = target.connection(server_address, client_address, f"{number} {target.name}")
        there = self.route(source.name, target.name)
        back = self.route(target.name, source.name)
        server.accepted_by = listener
        client.outgoing = server.incoming = Flow(client, server, there, self, self._window, number)
        server.outgoing = client.incoming = Flow(server, client, back, self, self._window, number)
        client.outgoing.open()
        return client

    # Machinery

    def _here(self) -> Site:
        host = current_host()
        return self._directory.site(HARNESS if host is None else host.name)

    def _carry(self, sender: DatagramSocket, data: bytes, address: Address) -> None:
        """Take a datagram to its destination, or lose it."""
        target = self._directory.find(address[0], sender.site)
        route = self.route(sender.site.name, target.name)
        parcel = Parcel(sender, data, target, address[1], route)
        if route.plain:
            parcel.arrive()
        elif not route.lag(sender, len(data)):  # nobody sends a lost datagram again
            self.call_at(self.now() + route.latency, parcel.arrive)

    def _host_changed(self, host: Host) -> None:
        """Cut the power of a crashed host's network, and switch it on again."""
        if host.state is HostState.CRASHED and host.name not in self._killed:
            off = self._off.setdefault(host.name, Touched())
            self._directory.site(host.name).lose_everything()
            for route in self._around(host.name):
                route.cut(off)
        elif host.state is HostState.RUNNING:
            self._killed.pop(host.name, None)
            if host.name in self._off:
                off = self._off.pop(host.name)
                for route in self._around(host.name):
                    route.mend(off)

    def _around(self, name: str) -> list[Route]:
        """Every route to and from a host, without its own loopback."""
        return [
            route
            for (source, target), route in self._routes.items()
            if name in (source, target) and source != target
        ]
