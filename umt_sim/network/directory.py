"""Names and addresses of the simulated hosts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from umt_sim.kernel.sockets import AddressInfo
from umt_sim.network.site import LOOPBACK, Site

if TYPE_CHECKING:
    from umt_sim.kernel.selector import Sockets
    from umt_sim.kernel.tape import Tape

__all__ = ["Directory"]

OWN = ("", "localhost", "localhost.localdomain", LOOPBACK, "::1")
EVERYWHERE = (None, "", "0.0.0.0", "::")  # noqa: S104 - every address of a simulated host
SERVICES = {"http": 80, "https": 443, "amqp": 5672, "amqps": 5671, "postgresql": 5432}


class Directory:
    """
    Every site by name and by address.

    Addresses are given in order of creation, from 10.0.0.1 on.

    Args:
        sockets: The loop's table of sockets.
        tape: Where arrivals are noted.
    """

    def __init__(self, sockets: Sockets, tape: Tape) -> None:
        self._sockets = sockets
        self._tape = tape
        self._by_name: dict[str, Site] = {}
        self._by_ip: dict[str, Site] = {}

    def site(self, name: str) -> Site:
        """The site of that name, made at the first mention."""
        if name not in self._by_name:
            number = len(self._by_name) + 1
            ip = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            site = Site(name, ip, self._sockets, self._tape)
            self._by_name[name] = self._by_ip[ip] = site
        return self._by_name[name]

    def named(self, name: str) -> Site | None:
        """The site of that name, if there is one."""
        return self._by_name.get(name)

    def names(self) -> list[str]:
        """Every name, in order of creation."""
        return list(self._by_name)

    def find(self, host: str, here: Site) -> Site:
        """
        The site that *host* means to somebody at *here*.

        Raises:
            socket.gaierror: No host has that name or address.
        """
        if host in OWN:
            return here
        site = self._by_name.get(host) or self._by_ip.get(host)
        if site is None:
            names = ", ".join(self._by_name)
            raise socket.gaierror(
                socket.EAI_NONAME, f"Name or service not known: {host!r}; there are {names}"
            )
        return site

    def resolve(
        self, host: str | None, port: int | str | None, here: Site, family: int, kind: int
    ) -> list[AddressInfo]:
        """
        What ``getaddrinfo`` answers.

        Raises:
            socket.gaierror: Unknown name or service, or a family other than IPv4.
        """
        if family not in (socket.AF_UNSPEC, socket.AF_INET):
            raise socket.gaierror(
                socket.EAI_NONAME, "the simulated network has IPv4 addresses only"
            )
        if host in EVERYWHERE:
            ip = LOOPBACK if host in (None, "") else "0.0.0.0"  # noqa: S104 - see above
        else:
            assert host is not None
            site = self.find(host, here)
            ip = LOOPBACK if host in OWN else site.ip
        address = (ip, _port(port))
        kinds = [
            (socket.SOCK_STREAM, socket.IPPROTO_TCP),
            (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
        ]
        return [
            (socket.AF_INET, type_, protocol, "", address)
            for type_, protocol in kinds
            if kind in (0, type_)
        ]


def _port(port: int | str | None) -> int:
    if port is None:
        return 0
    if isinstance(port, str) and not port.isdigit():
        if port not in SERVICES:
            raise socket.gaierror(socket.EAI_SERVICE, f"Servname not supported: {port!r}")
        return SERVICES[port]
    return int(port)
