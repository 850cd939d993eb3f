"""What every pipe is: a toxic's settings, and what it does with a stream of chunks."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["Pipe"]


class Pipe(ABC):
    """
    A kind of toxic. Its dataclass fields are Toxiproxy's attributes, in Toxiproxy's units.

    Settings are shared by every link that has the toxic and may change while
    links are live, so ``run`` reads them when it needs them. What belongs to
    one link only is local to ``run``, or in the stage's ``state`` if it must
    survive an interruption.
    """

    type: ClassVar[str]
    """Toxiproxy's name for it."""

    buffer: ClassVar[int] = 0
    """Chunks that may queue before it without blocking the stage before."""

    resets: ClassVar[bool] = False
    """Whether connections accepted while it is there are reset when they close."""

    @abstractmethod
    def run(self, stage: Stage) -> Steps[None]:
        """
        Move chunks from the stage's inlet to its outlet until the end, then close the outlet.

        Every way out either closes the stage or follows an interruption; no
        chunk may be lost on interruption.
        """
        ...

    def fresh_state(self) -> Any:
        """What to keep for a new link."""
        return None

    def remove(self, stage: Stage) -> None:  # noqa: B027 - most toxics leave nothing behind
        """Clean *stage* up before the toxic is taken out of its link."""

    def attributes(self) -> dict[str, int]:
        """The settings, in Toxiproxy's order."""
        return {name: getattr(self, name) for name in self.attribute_names()}

    @classmethod
    def attribute_names(cls) -> tuple[str, ...]:
        """Names of the settings, in Toxiproxy's order."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    def update(self, values: Mapping[str, int]) -> None:
        """
        Change the settings that *values* names; the others keep theirs.

        Raises:
            ValueError: *values* names something else; the sentence lists what there is.
        """
        for name in values:
            if name not in self.attribute_names():
                allowed = ", ".join(self.attribute_names())
                raise ValueError(f"{self.type} has no attribute {name!r}; allowed are {allowed}")
        for name, value in values.items():
            setattr(self, name, value)
