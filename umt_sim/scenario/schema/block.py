"""What every mapping of a scenario file has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Discriminator, ValidationInfo, model_validator

__all__ = ["Block", "Surroundings", "chosen_by", "tag"]


@dataclass(slots=True)
class Surroundings:
    """
    What a validation knows and finds out beside the values: pydantic's context.

    Attributes:
        folder: Where the scenario lies; files it names are looked for from there.
        names: Identity of a mapping to the names it may have, so that the loader can
            suggest the one that was meant.
        times: A file that was read to the times in it.
    """

    folder: Path
    names: dict[int, list[str]] = field(default_factory=dict)
    times: dict[str, list[str]] = field(default_factory=dict)


class Block(BaseModel):
    """
    A mapping with fixed keys. Unknown keys are errors, and nothing is converted silently.

    The names a mapping may have are noted in the validation's ``Surroundings``.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _note_names(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context is not None and isinstance(value, dict):
            info.context.names[id(value)] = [
                field.alias or name for name, field in cls.model_fields.items()
            ]
        return value


def tag(name: str) -> str:
    """The mark of one alternative. Brackets keep it apart from keys in error locations."""
    return f"<{name}>"


def chosen_by(key: str, *, text: str | None = None) -> Discriminator:
    """
    Choose among alternatives by what stands under *key*.

    Args:
        key: The key that names the alternative.
        text: Alternative for anything that is not a mapping, where there is one.
    """
    return Discriminator(_chooser(key, text))


def _chooser(key: str, text: str | None) -> Callable[[Any], str | None]:
    def choose(value: Any) -> str | None:
        if isinstance(value, dict):
            return tag(str(value.get(key, "")))
        if isinstance(value, Block):
            return tag(str(getattr(value, key)))
        return tag(text) if text is not None else None

    choose.__name__ = key  # pydantic names it in its errors, and the loader reads it there
    return choose
