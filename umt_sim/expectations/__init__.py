"""
From a journal to verdicts.

- ``grammar``: the small language of ``expect``, parsed. Start here.
- ``metrics``: what the language can ask about, and how it is measured.
- ``verdicts``: what an expectation's answer looks like; statuses and exit codes.
- ``readings``: one journal, opened for measuring.
- ``aborting``: conditions that end a run early.
- ``numbers``: measured numbers by their names in the language.
- ``tolerance``, ``baseline``: how much worse than before a number may become, and whether it has.
- ``presence``: whether a run knows what an expectation is about.
- ``judging``: one expectation against one journal.
- ``invariants``: checkers of what must never be broken, by name.
- ``judgement``: everything a plan expects, with the safeguards that keep a pass honest.
"""

from umt_sim.expectations.grammar import Expectation, expect

__all__ = ["Expectation", "expect"]
