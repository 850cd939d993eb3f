"""
What must never be broken, whatever fails. One checker a file, each registered by name.

- ``finding``: what a checker answers.
- ``messages``: ``no_lost_messages``.
- ``effects``: ``no_duplicate_effects``.
- ``queues``: ``queues_drain``, ``outbox_drained``.
- ``flow``: ``flow_balance``, which every run is judged by.
- ``breakers``: ``breaker_transitions_legal``.
- ``errors``: ``no_unhandled_errors``.
"""

from collections.abc import Callable, Mapping

from umt_sim.expectations.invariants.breakers import breaker_transitions_legal
from umt_sim.expectations.invariants.effects import no_duplicate_effects
from umt_sim.expectations.invariants.errors import no_unhandled_errors
from umt_sim.expectations.invariants.finding import Finding
from umt_sim.expectations.invariants.flow import flow_balance
from umt_sim.expectations.invariants.messages import no_lost_messages
from umt_sim.expectations.invariants.queues import outbox_drained, queues_drain
from umt_sim.journal.recorder import Journal

__all__ = ["INVARIANTS", "Checker", "Finding"]

Checker = Callable[[Journal], Finding]

INVARIANTS: Mapping[str, Checker] = {
    checker.__name__: checker
    for checker in (
        no_lost_messages,
        no_duplicate_effects,
        outbox_drained,
        breaker_transitions_legal,
        no_unhandled_errors,
        queues_drain,
        flow_balance,
    )
}
"""Every checker by the name scenarios use."""
