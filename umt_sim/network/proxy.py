"""
A proxy: the named point between clients and a server where toxics attach.

Each accepted client gets one connection to the server and two links, one for
each direction. The connection is made before the next client is accepted, so
a server that does not answer stalls every newcomer. A server that refuses
shows to the client as a connection that ends at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from umt_sim.network.chain import Chain
from umt_sim.network.ground import Endpoint, Ground, Listening
from umt_sim.network.link import Link
from umt_sim.network.pipes import pipe_for
from umt_sim.network.routine import Routine, Steps, Wake, nobody
from umt_sim.network.touched import Touched
from umt_sim.network.toxic import Direction, Toxic

if TYPE_CHECKING:
    from random import Random

__all__ = ["Proxy"]


class Proxy:
    """
    Stands between *listen* and *upstream*.

    Args:
        name: Unique among the proxies of one network.
        listen: Where clients connect; port 0 picks a free one.
        upstream: Where the server is.
        ground: Clock, sockets and randomness.

    Attributes:
        listen: Once enabled, the address it really listens on.
        enabled: Whether it does.
    """

    def __init__(
        self, name: str, *, listen: tuple[str, int], upstream: tuple[str, int], ground: Ground
    ) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.enabled = False
        self._ground = ground
        self._chain = Chain()
        self._listening: Listening | None = None
        self._accepting: Routine | None = None
        self._on_quiet: Wake = nobody
        self._connections: dict[int, Connection] = {}
        self._accepted = 0

    def __repr__(self) -> str:
        state = "" if self.enabled else " disabled"
        return f"<Proxy {self.name} {self.listen} -> {self.upstream}{state}>"

    def enable(self) -> None:
        """
        Listen, on the same address as before if it was enabled before.

        Raises:
            OSError: The address cannot be used.
        """
        if self.enabled:
            return
        self._listening = self._ground.listen(self.listen)
        self.listen = self._listening.address
        self.enabled = True
        self._accepting = Routine(self._accept, self._quiet)
        self._accepting.wake()

    def disable(self, done: Wake = nobody, *, touched: Touched | None = None) -> None:
        """
        Refuse clients, then end every connection; chunks under way are lost, toxics stay.

        Args:
            done: Called when it is over: a connection being opened is waited for.
            touched: Counts the connections that are ended.
        """
        if not self.enabled or self._listening is None:
            done()
            return
        self.enabled = False

        def quiet() -> None:
            for connection in list(self._connections.values()):
                if touched is not None:
                    touched.meet(connection)
                connection.close()
            done()

        self._on_quiet = quiet
        self._listening.close()

    @property
    def connections(self) -> int:
        """How many connections it has now."""
        return len(self._connections)

    @property
    def accepted(self) -> int:
        """How many connections it has had in all."""
        return self._accepted

    def carried(self, direction: Direction) -> int:
        """Bytes that have come to it from that direction's source in all."""
        return self._chain.carried(direction)

    # Toxics. `done` is called when every live link has changed, which a busy stage may delay.

    @property
    def toxics(self) -> list[Toxic]:
        """Those of the upstream direction first, each in order of creation."""
        return self._chain.toxics()

    def toxic(self, name: str) -> Toxic:
        """
        The toxic of that name.

        Raises:
            KeyError: There is none; the message lists those there are.
        """
        toxic = self._chain.find(name)
        if toxic is None:
            names = ", ".join(toxic.name for toxic in self.toxics) or "none"
            raise KeyError(f"proxy {self.name} has no toxic {name!r}; it has {names}")
        return toxic

    def add_toxic(
        self,
        type_: str,
        attributes: dict[str, int],
        *,
        direction: Direction = Direction.DOWNSTREAM,
        toxicity: float = 1.0,
        name: str | None = None,
        done: Wake = nobody,
    ) -> Toxic:
        """
        Append a toxic to one direction, on live connections too.

        Args:
            type_: Toxiproxy's name for it.
            attributes: Its settings in Toxiproxy's units; those left out are 0.
            direction: Which links it acts on.
            toxicity: Probability that it applies to a link.
            name: Unique in this proxy; ``<type>_<direction>`` if left out.
            done: Called when every live link has it.

        Raises:
            ValueError: Unknown type or attribute, or the name is taken.
        """
        pipe = pipe_for(type_, attributes)
        return self.install(
            Toxic(name or f"{type_}_{direction.value}", direction, pipe, toxicity), done
        )

    def install(self, toxic: Toxic, done: Wake = nobody) -> Toxic:
        """
        Append *toxic* to its direction.

        Raises:
            ValueError: The name is taken.
        """
        if self._chain.find(toxic.name) is not None:
            raise ValueError(f"proxy {self.name} has a toxic {toxic.name!r} already")
        self._chain.add(toxic, done)
        return toxic

    def update_toxic(
        self,
        name: str,
        attributes: dict[str, int] | None = None,
        *,
        toxicity: float | None = None,
        done: Wake = nobody,
    ) -> Toxic:
        """
        Change settings of a toxic and start it again on every link, drawing its toxicity anew.

        Raises:
            KeyError: There is no such toxic.
            ValueError: It has no such attribute.
        """
        toxic = self.toxic(name)
        toxic.pipe.update(attributes or {})
        if toxicity is not None:
            toxic.toxicity = toxicity
        self._chain.update(toxic, done)
        return toxic

    def remove_toxic(self, name: str, done: Wake = nobody) -> None:
        """
        Take a toxic away; what it holds goes on at once.

        Raises:
            KeyError: There is no such toxic.
        """
        self._chain.remove(self.toxic(name), done)

    def reset(self) -> None:
        """Enable it and take every toxic away."""
        self.enable()
        for toxic in self.toxics:
            self._chain.remove(toxic)

    # Machinery

    def _accept(self, wake: Wake) -> Steps[None]:
        """Take one client after the other, until the listener is closed."""
        listening = self._listening
        assert listening is not None
        while self.enabled:
            client = listening.take()
            if client is None:
                listening.when_readable(wake)
                yield
                continue
            dialing = self._ground.dial(self.upstream, wake)
            while dialing.outcome is None:
                yield
            if isinstance(dialing.outcome, OSError):
                client.close()
            else:
                self._connect(client, dialing.outcome)

    def _quiet(self) -> None:
        """The accept loop has ended."""
        on_quiet, self._on_quiet = self._on_quiet, nobody
        on_quiet()

    def _connect(self, client: Endpoint, server: Endpoint) -> None:
        self._accepted += 1
        connection = Connection(self, self._accepted, client, server)
        self._connections[connection.number] = connection
        self._chain.open(Direction.UPSTREAM, connection.link)
        self._chain.open(Direction.DOWNSTREAM, connection.link)

    def link_ended(self, connection: Connection, direction: Direction, link: Link) -> None:
        """One direction of *connection* is over."""
        self._chain.forget(direction, link)
        connection.links -= 1
        if not connection.links:
            self._connections.pop(connection.number, None)

    def draws(self, toxic: Toxic, connection: int) -> Random:
        """The random stream of *toxic* on one connection."""
        return self._ground.stream(
            f"network/{self.name}/{toxic.direction.value}/{toxic.name}/{connection}"
        )

    @property
    def ground(self) -> Ground:
        """What it stands on."""
        return self._ground


class Connection:
    """
    A client, a server, and the two links between them.

    Attributes:
        number: Counted from 1 in order of acceptance; part of the names of its random streams.
        links: How many of its directions are not over.
    """

    def __init__(self, proxy: Proxy, number: int, client: Endpoint, server: Endpoint) -> None:
        self.number = number
        self.links = 2
        self._proxy = proxy
        self._client = client
        self._server = server

    def link(self, toxics: list[Toxic]) -> Link:
        """The link of the direction that *toxics* belong to."""
        direction = toxics[0].direction
        upstream = direction is Direction.UPSTREAM
        source = self._client if upstream else self._server
        sink = self._server if upstream else self._client
        link = Link(
            source,
            sink,
            toxics,
            self._proxy.ground,
            self.number,
            self._proxy.draws,
            lambda: self._proxy.link_ended(self, direction, link),
        )
        return link

    def close(self) -> None:
        """Close both sockets at once."""
        self._server.close()
        self._client.close()
