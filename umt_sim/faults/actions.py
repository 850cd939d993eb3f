"""
What can go wrong, as frozen values. A world performs them; constructing one only validates it.

Toxiproxy can do the first two in both worlds. ``Kill``, ``Pause`` and ``ServerRestart``
the live world can do to servers, if it has started them. The others need the simulated
network (``live`` is false). Units are in the names of the fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

from umt_sim.faults.toxics.base import Toxic

__all__ = [
    "Action",
    "AddToxic",
    "ClockSkew",
    "ConnectHang",
    "ConnectRefused",
    "Crash",
    "DiskFull",
    "Down",
    "HalfOpen",
    "Hold",
    "Kill",
    "LostCommit",
    "Partition",
    "Pause",
    "RetransmissionDelay",
    "ServerRestart",
    "Stream",
    "TimedOut",
]


class Stream(Enum):
    """Which direction of a proxy's connections a toxic acts on."""

    UPSTREAM = "upstream"  # from client to server
    DOWNSTREAM = "downstream"  # from server to client
    BOTH = "both"  # two toxics, one each way


class Action(Protocol):
    """One thing that goes wrong for a while, or at once."""

    live: ClassVar[bool]
    """Whether the live world can do it, at least to some targets."""

    one_shot: ClassVar[bool]
    """Whether it is over as soon as it has happened."""

    @property
    def kind(self) -> str:
        """Its name, as scenarios and reports write it."""
        ...

    @property
    def target(self) -> str:
        """What it happens to: a proxy, a host, or a pair of hosts."""
        ...

    @property
    def exclusive(self) -> str | None:
        """What it needs for itself while it lasts; ``None`` if it tolerates all others."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToxic:
    """
    Give the proxy *target* a toxic.

    Args:
        target: Name of the proxy.
        toxic: What to add.
        stream: On which direction.
        toxicity: Probability that a connection gets it; drawn for each connection
            and direction, and again whenever the toxic is restarted there.
    """

    live: ClassVar[bool] = True
    one_shot: ClassVar[bool] = False
    exclusive: ClassVar[None] = None

    target: str
    toxic: Toxic
    stream: Stream = Stream.DOWNSTREAM
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        _within("toxicity", self.toxicity, 0, 1)

    @property
    def kind(self) -> str:
        """The toxic's type."""
        return self.toxic.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """Disable the proxy *target*: its connections end, new ones are refused."""

    live: ClassVar[bool] = True
    one_shot: ClassVar[bool] = False
    kind: ClassVar[str] = "down"

    target: str

    @property
    def exclusive(self) -> str:
        """A proxy can be disabled once."""
        return f"down {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _BetweenHosts:
    """Something on the way between two hosts; a proxy's own host has the proxy's name."""

    live: ClassVar[bool] = False
    one_shot: ClassVar[bool] = False
    exclusive: ClassVar[None] = None

    left: str
    right: str

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError(f"both hosts are {self.left!r}; name two different ones")

    @property
    def target(self) -> str:
        """Both hosts."""
        return f"{self.left} - {self.right}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(_BetweenHosts):
    """
    Lose every packet between two hosts, or only those from *left* to *right*.

    TCP retransmits: after the repair data arrives with the next retry, whose
    distance doubles up to two minutes. A lost reset is not sent again.
    """

    kind: ClassVar[str] = "partition"

    one_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(_BetweenHosts):
    """Keep every packet between two hosts; all of them arrive at the release, in order."""

    kind: ClassVar[str] = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetransmissionDelay(_BetweenHosts):
    """
    Lose packets between two hosts as TCP users notice it: some data arrives late.

    Each packet is lost with probability *loss* and sent again after
    *timeout_ms*, after twice that if lost again, and so on. What follows it
    waits behind it.
    """

    kind: ClassVar[str] = "retransmission_delay"

    loss: float
    timeout_ms: float = 200.0

    def __post_init__(self) -> None:
        _BetweenHosts.__post_init__(self)
        _within("loss", self.loss, 0, 0.9)
        _within("timeout_ms", self.timeout_ms, 1, 120_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnTarget:
    """Something that happens at one proxy or host."""

    live: ClassVar[bool] = False
    one_shot: ClassVar[bool] = False
    exclusive: ClassVar[None] = None

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRefused(_OnTarget):
    """Refuse new connections to *target* with ECONNREFUSED; those it has go on."""

    kind: ClassVar[str] = "connect_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectHang(_OnTarget):
    """Answer no attempt to connect to *target*; the client's system tries again for 127 s."""

    kind: ClassVar[str] = "connect_hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpen(_OnTarget):
    """
    Let *target* forget its connections without a word to their clients.

    Its own end sees a reset; the client notices only when it next sends.
    """

    kind: ClassVar[str] = "half_open"
    one_shot: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut(_OnTarget):
    """Break the connections to *target* with ETIMEDOUT, as when retransmission gives up."""

    kind: ClassVar[str] = "timed_out"
    one_shot: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnHost:
    """Something that happens to a whole host."""

    live: ClassVar[bool] = False
    one_shot: ClassVar[bool] = False

    host: str

    @property
    def target(self) -> str:
        """The host."""
        return self.host

    @property
    def exclusive(self) -> str | None:
        """A host can be stopped in one way at a time."""
        return f"host {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash(_OnHost):
    """
    Cut the power of *host*: its programs stop without cleanup, its sockets fall silent.

    When it ends the host is on again and empty; peers that still send get a reset.
    """

    kind: ClassVar[str] = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(_OnHost):
    """
    Kill the programs of *host*; its operating system lives and resets their connections.

    When it ends the programs are started again.
    """

    kind: ClassVar[str] = "kill"
    live: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(_OnHost):
    """Freeze the programs of *host*; connections stay open and their buffers fill."""

    kind: ClassVar[str] = "pause"
    live: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew(_OnHost):
    """Set the wall clock of *host* ahead by *offset_s* seconds, or back if negative."""

    kind: ClassVar[str] = "clock_skew"

    offset_s: float

    def __post_init__(self) -> None:
        _within("offset_s", self.offset_s, -1e6, 1e6)

    @property
    def exclusive(self) -> str | None:
        """A wall clock has one offset."""
        return f"clock of {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRestart:
    """Stop the server behind *service* in good order; when it ends, start it again."""

    live: ClassVar[bool] = True
    one_shot: ClassVar[bool] = False
    kind: ClassVar[str] = "server_restart"

    service: str

    @property
    def target(self) -> str:
        """The service."""
        return self.service

    @property
    def exclusive(self) -> str | None:
        """A server can be stopped once."""
        return f"server {self.service}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _InServer:
    """Something that happens inside the server behind *service*."""

    live: ClassVar[bool] = False
    one_shot: ClassVar[bool] = False

    service: str

    @property
    def target(self) -> str:
        """The service."""
        return self.service


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFull(_InServer):
    """
    Let the broker behind *service* run out of disk.

    It takes no message until there is room again: connections that publish are blocked,
    those that consume go on.
    """

    kind: ClassVar[str] = "disk_full"

    @property
    def exclusive(self) -> str | None:
        """A disk can be full once."""
        return f"disk of {self.service}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCommit(_InServer):
    """
    Crash the database behind *service* after its next COMMIT, before the client is told.

    The transaction has happened, and its client cannot know. After *down_for_s* seconds
    the database takes connections again.
    """

    one_shot: ClassVar[bool] = True
    kind: ClassVar[str] = "lost_commit"

    down_for_s: float

    def __post_init__(self) -> None:
        _within("down_for_s", self.down_for_s, 0.001, 3600)

    @property
    def exclusive(self) -> str | None:
        """A server can be stopped once."""
        return f"server {self.service}"


def _within(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{field} is {value:g}; it must be from {low:g} to {high:g}")
