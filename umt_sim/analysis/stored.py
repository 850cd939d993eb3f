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
from umt_sim.journal.storage import DAMAGE

__all__ = ["plain_type", "stored_columns"]

_READ = {int: np.int64, bool: np.int64}
"""What pandas reads by itself; everything else it reads as text."""


def stored_columns(path: Path, kind: type[Any]) -> dict[str, pd.Series[Any]]:
    """
    The columns of one table, with the values that its records would have.

    Args:
        path: The file.
        kind: Class of the records in it.

    Raises:
        JournalError: The file is damaged.
    """
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    try:
        table = pd.read_csv(
            path,
            compression="gzip",
            dtype={name: _READ.get(plain_type(hints[name]), str) for name in names},
            keep_default_na=False,
        )
        return {name: _column(table[name], hints[name]) for name in names}
    except (*DAMAGE, KeyError) as error:
        raise JournalError(f"{path} is damaged: {error}") from error


def _column(read: pd.Series[Any], hint: Any) -> pd.Series[Any]:
    """The values that the cells of a column stand for; equal texts become one value."""
    plain = plain_type(hint)
    if plain is bool:
        return read.astype(bool)
    if plain is float:
        # By Python's own reading, which gives back the very number that was written.
        numbers = [float(text) if text else np.nan for text in read.tolist()]
        return pd.Series(numbers, index=read.index, dtype=np.float64)
    if plain in _READ or (plain is str and not _optional(hint)):
        return read
    if plain is str:
        quoted = read.str.startswith('"')
        if quoted.any():
            read = read.where(~quoted, read[quoted].map(json.loads).reindex(read.index))
        return read.where(~read.eq("") | quoted, None)
    codes, texts = pd.factorize(read)
    values = np.empty(len(texts), dtype=object)
    for index, text in enumerate(texts):
        values[index] = _value(text, hint)  # a whole list would be unpacked
    return pd.Series(values[codes], index=read.index)


def _value(text: str, hint: Any) -> Any:
    plain = plain_type(hint)
    if _optional(hint) and text == "":
        return None
    if isinstance(plain, type) and issubclass(plain, Enum):
        return text
    value = json.loads(text)
    return _frozen(value) if get_origin(plain) is tuple else value


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
