"""Which status leads to which, as a table: illegal moves raise."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from umt_sim.platform.errors import IllegalTransition

__all__ = ["Transitions"]

S = TypeVar("S", bound=StrEnum)


class Transitions(Generic[S]):
    """
    The legal moves between the members of a status enum.

    Args:
        name: What has the status, for error messages: ``"content"``.
        moves: From each status, those it may become. A status without moves is final.
    """

    def __init__(self, name: str, moves: Mapping[S, tuple[S, ...]]) -> None:
        self._name = name
        self._moves = moves

    def allows(self, from_: S, to: S) -> bool:
        """Whether *from_* may become *to*."""
        return to in self._moves.get(from_, ())

    def check(self, from_: S, to: S) -> S:
        """Return *to*, or raise ``IllegalTransition`` naming the ways that are open."""
        if not self.allows(from_, to):
            ways = [way.value for way in self._moves.get(from_, ())]
            raise IllegalTransition(self._name, from_.value, to.value, ways)
        return to
