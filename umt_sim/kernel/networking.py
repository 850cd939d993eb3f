"""
asyncio's selector loop with its sockets taken from a simulated network.

Connecting, listening and resolving ask the attached ``SocketSource``. What
follows (transports, streams, TLS, ``start_tls``, flow control, half-close) is
asyncio's own code. Unix sockets and pipes are not modelled.
"""

from __future__ import annotations

import asyncio
from asyncio import selector_events
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from umt_sim.errors import WallClockLeak
from umt_sim.kernel.guard import NO_PROCESSES
from umt_sim.kernel.ordered import OrderedWeakSet
from umt_sim.kernel.selector import SimSelector, Sockets
from umt_sim.kernel.sockets import Address, AddressInfo, SocketSource
from umt_sim.kernel.sources import calling_line

__all__ = ["NetworkedLoop"]

_NO_FILES = "a simulated network has no {}; connect by host and port"


class NetworkedLoop(selector_events.BaseSelectorEventLoop):
    """Stock transports on simulated sockets."""

    if TYPE_CHECKING:  # asyncio's own attributes, which its type stubs leave out
        _ready: deque[Any]
        _closed: bool
        _debug: bool
        _stopping: bool
        _thread_id: int | None
        _task_factory: Any
        _asyncgens: Any
        _clock_resolution: float
        _executor_shutdown_called: bool

        def _check_closed(self) -> None: ...
        def _process_events(self, event_list: list[Any]) -> None: ...
        def _run_once(self) -> None: ...
        def _asyncgen_firstiter_hook(self, agen: Any) -> None: ...

    def __init__(self, selector: SimSelector, sockets: Sockets) -> None:
        self.sockets = sockets
        self._source: SocketSource | None = None
        super().__init__(selector)

    def attach(self, source: SocketSource) -> None:
        """
        Say where sockets come from.

        Raises:
            RuntimeError: There is a network already.
        """
        if self._source is not None:
            raise RuntimeError("the loop has a network already; one simulation, one network")
        self._source = source

    @property
    def source(self) -> SocketSource:
        """The attached network; ``OSError`` without one, as on a machine with no interface."""
        if self._source is None:
            raise OSError("no network is attached to this loop; create Network(kernel) first")
        return self._source

    async def getaddrinfo(  # type: ignore[override]
        self,
        host: str | bytes | None,
        port: str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name
        proto: int = 0,  # noqa: ARG002 - a simulated address has one protocol per kind
        flags: int = 0,
    ) -> Sequence[AddressInfo]:
        """Look a name up in the simulated network."""
        name = host.decode() if isinstance(host, bytes) else host
        return await self.source.resolve(name, port, family=family, kind=type, flags=flags)

    async def getnameinfo(self, sockaddr: Address, flags: int = 0) -> tuple[str, str]:  # noqa: ARG002
        """The address itself: the simulated network has no reverse look-up."""
        return str(sockaddr[0]), str(sockaddr[1])

    async def _connect_sock(
        self,
        exceptions: list[list[OSError]],
        addr_info: AddressInfo,
        local_addr_infos: Sequence[AddressInfo] | None = None,
    ) -> Any:
        """Connect one socket, for ``create_connection``, which tries the addresses in turn."""
        errors: list[OSError] = []
        exceptions.append(errors)
        host, port = addr_info[4][:2]
        local = local_addr_infos[0][4] if local_addr_infos else None
        try:
            return await self.source.connect(host, port, local=local)
        except OSError as error:
            errors.append(error)
            raise

    async def create_server(
        self,
        protocol_factory: Any,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        *,
        sock: Any = None,
        backlog: int = 100,
        start_serving: bool = True,
        family: int = 0,  # noqa: ARG002 - what follows configures sockets of the real system
        flags: int = 0,  # noqa: ARG002
        reuse_address: bool | None = None,  # noqa: ARG002
        reuse_port: bool | None = None,  # noqa: ARG002
        keep_alive: bool | None = None,  # noqa: ARG002
        **options: Any,
    ) -> asyncio.Server:
        """Listen on one or several addresses of the current host."""
        if sock is None:
            hosts = [host] if host is None or isinstance(host, str) else list(host)
            sockets = [self.source.listen(h or None, port or 0, backlog=backlog) for h in hosts]
        else:
            sockets = [sock]
        server: Any = await super().create_server(  # type: ignore[call-overload]
            protocol_factory, sock=sockets[0], backlog=backlog, start_serving=False, **options
        )
        server._sockets.extend(sockets[1:])
        if hasattr(server, "_clients"):  # since 3.13; `abort_clients` iterates it
            server._clients = OrderedWeakSet()
        if start_serving:
            await server.start_serving()
        return cast("asyncio.Server", server)

    async def create_datagram_endpoint(  # type: ignore[override]
        self,
        protocol_factory: Any,
        local_addr: Address | None = None,
        remote_addr: Address | None = None,
        *,
        sock: Any = None,
        **options: Any,  # noqa: ARG002 - they configure sockets of the real system
    ) -> tuple[Any, Any]:
        """Exchange datagrams over the simulated network."""
        if sock is None:
            sock = self.source.datagram(local_addr, remote_addr)
        return await super().create_datagram_endpoint(protocol_factory, sock=sock)

    async def _make_subprocess_transport(self, *_: Any, **__: Any) -> Any:
        raise WallClockLeak("a subprocess", calling_line(), instead=NO_PROCESSES)

    async def create_unix_connection(self, *_: Any, **__: Any) -> Any:
        """Refused: hosts of a simulated network share no files."""
        raise NotImplementedError(_NO_FILES.format("Unix sockets"))

    create_unix_server = create_unix_connection

    async def connect_read_pipe(self, *_: Any, **__: Any) -> Any:
        """Refused: a pipe leads to another process or to the machine's terminal."""
        raise NotImplementedError(_NO_FILES.format("pipes"))

    connect_write_pipe = connect_read_pipe

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        """Accepted and never called: no signal of the real machine reaches virtual time."""

    def remove_signal_handler(self, sig: int) -> bool:  # noqa: ARG002
        """Nothing to remove."""
        return False

    def _make_self_pipe(self) -> None:
        """No other thread wakes this loop, so it needs no pipe."""

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
