"""
Request bodies as Go's JSON decoder reads them.

Keys match whatever their case, unknown ones are ignored, ``null`` changes
nothing, 5.0 is no integer. A wrong type spoils the request, yet the fields that
could be read have been set by then: Toxiproxy's clients can see that.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

__all__ = [
    "PROXY",
    "TOXIC",
    "BodyError",
    "Fields",
    "attribute_fields",
    "parse",
    "read_fields",
    "wrong_kind",
]

INT64 = range(-(2**63), 2**63)
LARGEST_FLOAT32 = 3.4028234663852886e38
GO_STRUCTS = {
    "latency": "LatencyToxic",
    "bandwidth": "BandwidthToxic",
    "slow_close": "SlowCloseToxic",
    "timeout": "TimeoutToxic",
    "reset_peer": "ResetToxic",
    "slicer": "SlicerToxic",
    "limit_data": "LimitDataToxic",
    "noop": "NoopToxic",
}


class BodyError(Exception):
    """The body cannot be read; the message is Go's."""


class Fields:
    """
    The fields that a body may set.

    Args:
        struct: Name of Go's struct, for messages.
        types: Go's type of each field: ``string``, ``bool``, ``int64``, ``float32`` or
            ``object``.
        prefix: Where the fields are in the body, for messages.
    """

    def __init__(self, struct: str, types: Mapping[str, str], prefix: str = "") -> None:
        self.struct = struct
        self.types = types
        self.prefix = prefix

    def key(self, given: str) -> str | None:
        """The field that *given* means: the same name, or failing that in another case."""
        if given in self.types:
            return given
        folded = given.casefold()
        return next((name for name in self.types if name.casefold() == folded), None)

    def complaint(self, name: str, value: object) -> str | None:
        """Why *value* cannot be the field's, if so."""
        wanted = self.types[name]
        if _fits(value, wanted):
            return None
        return (
            f"json: cannot unmarshal {_go_kind(value)} into Go struct field"
            f" {self.struct}.{self.prefix}{name} of type {_go_type(wanted)}"
        )


TOXIC = Fields(
    "ToxicWrapper",
    {
        "attributes": "object",
        "name": "string",
        "type": "string",
        "stream": "string",
        "toxicity": "float32",
    },
)
PROXY = Fields(
    "Proxy", {"name": "string", "listen": "string", "upstream": "string", "enabled": "bool"}
)


def attribute_fields(toxic_type: str, names: tuple[str, ...]) -> Fields:
    """The attributes of a toxic as fields."""
    number = "int" if toxic_type == "slicer" else "int64"
    return Fields(GO_STRUCTS[toxic_type], dict.fromkeys(names, number), "attributes.")


class _Float(str):
    """A number with a point or an exponent, as it was written."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """
    The first JSON value of *body*.

    Raises:
        BodyError: There is none.
    """
    text = body.decode("utf-8", "replace").lstrip()
    if not text:
        raise BodyError("EOF")
    try:
        return json.JSONDecoder(parse_float=_Float).raw_decode(text)[0]
    except json.JSONDecodeError as error:
        if error.pos >= len(text):
            raise BodyError("unexpected EOF") from error
        place = (
            "beginning of object key string"
            if "property name" in error.msg
            else ("beginning of value")
        )
        raise BodyError(f"invalid character '{text[error.pos]}' looking for {place}") from error


def read_fields(document: object, fields: Fields, into: dict[str, Any], go_value: str) -> None:
    """
    Set in *into* what *document* says of *fields*.

    Raises:
        BodyError: *document* is no object, or a field has a wrong type. All others are set.
    """
    if document is None:
        return
    if not isinstance(document, dict):
        raise wrong_kind(document, go_value)
    first_complaint = None
    for given, value in document.items():
        name = fields.key(given)
        if name is None or value is None:
            continue
        complaint = fields.complaint(name, value)
        if complaint is None:
            into[name] = _float32(value) if fields.types[name] == "float32" else value
        else:
            first_complaint = first_complaint or complaint
    if first_complaint is not None:
        raise BodyError(first_complaint)


def wrong_kind(document: object, go_value: str) -> BodyError:
    """What Go says of a *document* that is no *go_value*."""
    return BodyError(
        f"json: cannot unmarshal {_go_kind(document)} into Go value of type {go_value}"
    )


def _float32(value: int | _Float) -> float:
    """Go's float32 of *value*, as the shortest number that stands for it."""
    stored = struct.pack("f", float(value))
    (wide,) = struct.unpack("f", stored)
    shorter = (float(f"{wide:.{digits}g}") for digits in range(1, 10))
    return next(number for number in shorter if struct.pack("f", number) == stored)


def _fits(value: object, wanted: str) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str) and not isinstance(value, _Float)
        case "bool":
            return isinstance(value, bool)
        case "int" | "int64":
            return isinstance(value, int) and not isinstance(value, bool) and value in INT64
        case "float32":
            if isinstance(value, bool) or not isinstance(value, int | _Float):
                return False
            return abs(float(value)) <= LARGEST_FLOAT32
        case _:
            return isinstance(value, dict)


def _go_kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case _Float():
            return f"number {value}"
        case int():
            return "number" if value in INT64 else f"number {value}"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _go_type(wanted: str) -> str:
    return "toxics.NoopToxic" if wanted == "object" else wanted
