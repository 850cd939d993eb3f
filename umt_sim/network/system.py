"""
The two places where drivers reach past asyncio for a socket, led to the simulated network.

httpcore polls the descriptor of an idle connection to learn whether the server
has closed it. aiohttp's client opens its sockets itself, through
aiohappyeyeballs, and hands them to the loop. Both work on simulated sockets as
long as a network is installed.
"""

from __future__ import annotations

import select
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING, Any

from umt_sim.kernel.sockets import FIRST_FD, AddressInfo, Pollable, SocketSource

if TYPE_CHECKING:
    from umt_sim.kernel.kernel import Kernel

__all__ = ["install"]

EYEBALLS = "aiohappyeyeballs.impl"
_RealPoll = getattr(select, "poll", None)  # Windows has none


def install(kernel: Kernel, network: SocketSource) -> None:
    """Lead both places to *network* until *kernel* is left."""
    undo = ExitStack()
    if _RealPoll is not None:
        pollable = kernel.loop.sockets.pollable
        _replace(select, "poll", lambda: Poll(pollable), undo)
    with suppress(ImportError):  # only aiohttp needs it, and may be imported later
        _replace(import_module(EYEBALLS), "_connect_sock", _Dialer(network), undo)
    kernel.on_leave(undo.close)


def _replace(module: Any, name: str, value: Any, undo: ExitStack) -> None:
    undo.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


class Poll:
    """
    Stands for ``select.poll``: simulated descriptors are asked, others polled as ever.

    Args:
        pollable: The simulated sockets by descriptor.
    """

    def __init__(self, pollable: Mapping[int, Pollable]) -> None:
        assert _RealPoll is not None
        self._pollable = pollable
        self._real = _RealPoll()
        self._masks: dict[int, int] = {}

    def register(
        self, fd: Any, mask: int = select.POLLIN | select.POLLPRI | select.POLLOUT
    ) -> None:
        """Watch a descriptor, or something with one."""
        number = fd if isinstance(fd, int) else fd.fileno()
        if number < FIRST_FD:
            self._real.register(number, mask)
        else:
            self._masks[number] = mask

    modify = register

    def unregister(self, fd: Any) -> None:
        """Watch a descriptor no longer."""
        number = fd if isinstance(fd, int) else fd.fileno()
        if number < FIRST_FD:
            self._real.unregister(number)
        else:
            del self._masks[number]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """What is ready. Simulated sockets never make it wait."""
        ready = [
            (fd, events) for fd, mask in self._masks.items() if (events := self._ask(fd, mask))
        ]
        ready.extend(self._real.poll(0 if self._masks else timeout))
        return ready

    def _ask(self, fd: int, mask: int) -> int:
        socket = self._pollable.get(fd)
        if socket is None:
            return select.POLLNVAL
        readiness = socket.readiness()
        events = select.POLLIN if readiness & EVENT_READ else 0
        events |= select.POLLOUT if readiness & EVENT_WRITE else 0
        return events & mask


class _Dialer:
    """Stands for aiohappyeyeballs' ``_connect_sock``: makes and connects one socket."""

    def __init__(self, network: SocketSource) -> None:
        self._network = network

    async def __call__(
        self,
        _loop: Any,
        exceptions: list[list[OSError | RuntimeError]],
        addr_info: AddressInfo,
        local_addr_infos: Sequence[AddressInfo] | None = None,
        _open_sockets: set[Any] | None = None,
        _socket_factory: Any = None,
    ) -> Any:
        errors: list[OSError | RuntimeError] = []
        exceptions.append(errors)
        host, port = addr_info[4][:2]
        local = local_addr_infos[0][4] if local_addr_infos else None
        try:
            return await self._network.connect(host, port, local=local)
        except OSError as error:
            errors.append(error)
            raise
