"""
Toxiproxy's toxics as frozen values with units. ``down`` is an action, not a toxic.

    base         what every toxic answers: ``type``, ``attributes()``, ``hazards_212()``
    lowering     values with units to Toxiproxy's integers
    latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data

Behaviour follows Toxiproxy 2.13; ``strict_212`` refuses what crashes or hangs
2.12. The simulated network runs the same integers that a real Toxiproxy is
sent, so rounding differs in neither world.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable

from umt_sim.faults.toxics.bandwidth import Bandwidth
from umt_sim.faults.toxics.base import Toxic
from umt_sim.faults.toxics.latency import Latency
from umt_sim.faults.toxics.limit_data import LimitData
from umt_sim.faults.toxics.reset_peer import ResetPeer
from umt_sim.faults.toxics.slicer import Slicer
from umt_sim.faults.toxics.slow_close import SlowClose
from umt_sim.faults.toxics.timeout import Timeout

__all__ = [
    "TOXICS",
    "Bandwidth",
    "Latency",
    "LimitData",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Timeout",
    "Toxic",
    "strict_212",
    "toxic",
]

TOXICS: dict[str, type[Toxic]] = {
    kind.type: kind
    for kind in (Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData)
}
"""Every toxic by Toxiproxy's name."""


def toxic(type_: str, /, **values: float) -> Toxic:
    """
    Build a toxic from Toxiproxy's name and the fields of its value class.

    Raises:
        ValueError: Unknown toxic or field, a required field missing, or a value out
            of range; the sentence names what is allowed.
    """
    if type_ not in TOXICS:
        raise ValueError(f"unknown toxic {type_!r}{_suggestion(type_, TOXICS)}")
    kind = TOXICS[type_]
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # each one is a dataclass
    known = [field.name for field in fields]
    for name in values:
        if name not in known:
            raise ValueError(f"{type_} has no attribute {name!r}{_suggestion(name, known)}")
    for field in fields:
        if field.default is dataclasses.MISSING and field.name not in values:
            raise ValueError(f"{type_} needs {field.name}; its attributes are {', '.join(known)}")
    return kind(**values)


def strict_212(toxic: Toxic) -> None:
    """
    Refuse a toxic that crashes or hangs Toxiproxy 2.12.

    Raises:
        ValueError: It would; the sentence says what happens and what to write instead.
    """
    hazards = toxic.hazards_212()
    if hazards:
        raise ValueError(f"unsafe on Toxiproxy 2.12: {'; '.join(hazards)}")


def _suggestion(given: str, allowed: Iterable[str]) -> str:
    """The tail of a refusal: the nearest allowed word, then all of them."""
    words = list(allowed)
    near = difflib.get_close_matches(given, words, n=1)
    guess = f", did you mean {near[0]!r}?" if near else ";"
    return f"{guess} allowed are {', '.join(words)}"
