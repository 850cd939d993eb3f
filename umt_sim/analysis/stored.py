"""
Tables of a stored run as columns, without making a record of each row.

A million spans as records take a minute and a gigabyte; as columns some seconds.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import numpy as np
import pandas as pd

from umt_sim.errors import JournalError

__all__ = ["plain_type", "stored_columns"]

Column = Any  # a list or an array, one value a row


def stored_columns(path: Path, kind: type[Any]) -> dict[str, Column]:
    """
    The columns of one table, with the values that its records would have.

    Args:
        path: The file.
        kind: Class of the records in it.

    Raises:
        JournalError: The file is damaged.
    """
    hints = typing.get_type_hints(kind)
    try:
        table = pd.read_csv(path, compression="gzip", dtype=object, keep_default_na=False)
    except (OSError, EOFError, ValueError) as error:
        raise JournalError(f"{path} is damaged: {error}") from error
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: _values(table[name].tolist(), hints[name]) for name in names}


def _values(texts: list[str], hint: Any) -> Column:
    """The values that *texts* stand for; equal texts become one value."""
    plain = plain_type(hint)
    if plain is str and not _optional(hint):
        return texts
    if plain is str:
        return [None if text == "" else _unquoted(text) for text in texts]
    if plain is float:
        # By Python's own reading, which gives back the very number that was written.
        return np.array([float(text) if text else np.nan for text in texts], dtype=np.float64)
    known = {text: _value(text, hint) for text in dict.fromkeys(texts)}
    return [known[text] for text in texts]


def _value(text: str, hint: Any) -> Any:
    plain = plain_type(hint)
    if _optional(hint) and text == "":
        return None
    if isinstance(plain, type) and issubclass(plain, Enum):
        return text
    if plain in (int, bool):
        return plain(int(text))
    value = json.loads(text)
    return _frozen(value) if get_origin(plain) is tuple else value


def _unquoted(text: str) -> str:
    """A text that could be mistaken for none at all is written as JSON."""
    return str(json.loads(text)) if text.startswith('"') else text


def plain_type(hint: Any) -> Any:
    """The type beside ``None``."""
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (part for part in get_args(hint) if part is not types.NoneType)
        return inner
    return hint


def _optional(hint: Any) -> bool:
    return plain_type(hint) is not hint


def _frozen(value: Any) -> Any:
    """JSON's lists as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
