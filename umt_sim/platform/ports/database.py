"""A relational database, as the platform asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

__all__ = ["Database", "Row", "Session"]

Row = Mapping[str, Any]


@runtime_checkable
class Session(Protocol):
    """
    Runs statements. SQL takes its values as ``$1``, ``$2``, never by formatting.

    A single statement is a transaction of its own. Every method raises
    ``PortTimeout``, ``PortUnavailable``, ``PortClosed`` or ``UpstreamRefused``
    (its ``code`` is the SQLSTATE).
    """

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        """The rows *sql* returns."""
        ...

    async def execute(self, sql: str, *values: Any) -> int:
        """Run *sql* and say how many rows it touched."""
        ...


@runtime_checkable
class Database(Session, Protocol):
    """A pool of sessions."""

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """A session whose statements are kept together; an exception undoes them all."""
        ...

    async def close(self) -> None:
        """Give up the connections. Later calls raise ``PortClosed``."""
        ...
