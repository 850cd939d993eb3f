"""
Measured times, written in the scenario or read from a file beside it.

The plan that is frozen holds the values themselves, so that a run can be repeated
without the file.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from umt_sim.scenario.schema.block import Block
from umt_sim.scenario.schema.quantities import Seconds
from umt_sim.scenario.times import read_times

__all__ = ["Samples"]

Unit = Literal["s", "ms", "us"]


class Samples(Block):
    """Times in order: ``values``, or those of a ``file``."""

    column: str | None = Field(default=None, exclude=True)
    """Column of the file, by the name in its first line; without it a file has one time a line."""
    unit: Unit | None = Field(default=None, exclude=True)
    """Unit of the file's numbers; left out where each has its own, as in ``12ms``."""
    file: str | None = Field(default=None, exclude=True)
    """Path of the file, seen from the scenario's folder. ``.gz`` is unpacked."""
    values: Annotated[list[Seconds] | None, Field(min_length=1, validate_default=True)] = None
    """The times, each with its unit."""

    @field_validator("file")
    @classmethod
    def _can_be_read(cls, file: str | None, info: ValidationInfo) -> str | None:
        """Read it here, so that a problem is reported where the file is named."""
        if file is not None and info.context is not None:
            info.context.times[file] = read_times(
                info.context.folder / file, info.data.get("column"), info.data.get("unit")
            )
        return file

    @field_validator("values", mode="before")
    @classmethod
    def _are_read(cls, values: object, info: ValidationInfo) -> object:
        file = info.data.get("file")
        if file is None or info.context is None:
            return values
        if values is not None:
            raise ValueError('either "file" or "values", not both')
        return info.context.times[file]

    @property
    def samples(self) -> list[float]:
        """
        The times, in seconds.

        Raises:
            ValueError: There are none.
        """
        if self.values is None:
            raise ValueError('needs "file" or "values"')
        return self.values
