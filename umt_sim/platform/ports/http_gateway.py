"""An HTTP upstream, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

from umt_sim.platform.errors import InvariantViolated

__all__ = ["HttpGateway", "HttpResponse", "path_of"]


def path_of(*segments: str) -> str:
    """
    A path of *segments*, which stay what they are whatever somebody wrote into them.

    Raises:
        InvariantViolated: A segment is empty or dots: it would lead to another place.
    """
    for segment in segments:
        if not segment.strip("."):
            raise InvariantViolated(f"{segment!r} names nothing at an upstream")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer of status below 400; ``body`` is its decoded JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class HttpGateway(Protocol):
    """
    JSON over HTTP to one upstream, named at construction.

    A status of 400 and above raises ``UpstreamRefused``; no answer raises
    ``PortTimeout``, ``PortUnavailable`` or ``PortClosed``.
    """

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send *json* to *path* below the upstream's base URL."""
        ...

    async def close(self) -> None:
        """Give up the connections. Later calls raise ``PortClosed``."""
        ...
