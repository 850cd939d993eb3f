"""What every toxic value answers, whichever world will apply it."""

from __future__ import annotations

from typing import ClassVar, Protocol

__all__ = ["Toxic"]


class Toxic(Protocol):
    """
    An effect on one direction of a proxy's connections, as a frozen value with units.

    Constructing one validates it, so a toxic that exists can be applied.
    """

    type: ClassVar[str]
    """Toxiproxy's name for it."""

    def attributes(self) -> dict[str, int]:
        """Toxiproxy's attributes: whole numbers in Toxiproxy's own units."""
        ...

    def hazards_212(self) -> tuple[str, ...]:
        """
        What these values do to Toxiproxy 2.12 that they do not do to 2.13.

        Empty when 2.12 is as safe. Each hazard is a sentence that ends in what to write instead.
        """
        ...
