"""
Small systems to teach with, and to measure what is known from theory and from papers.

- ``caller``: calls HTTP services under policies.
- ``contest``: writers who want to change one document at the same moment.
- ``guards``: a scenario's policies as guards of the platform.
- ``gateway``: HTTP at little cost.

The guards are the platform's own; only what they stand around is as simple as can be.
"""

from __future__ import annotations

from umt_sim.systems.base import Start, System

__all__ = ["LAB"]


def _caller() -> Start:
    from umt_sim.systems.lab.caller import start

    return start


def _contest() -> Start:
    from umt_sim.systems.lab.contest import start

    return start


LAB = (
    System(name="caller", load=_caller),
    System(name="contest", load=_contest, operations=("contest",), services={"cms": "http"}),
)
"""All of them."""
