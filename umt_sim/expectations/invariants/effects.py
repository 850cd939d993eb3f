"""What must happen once happens once, however often it is asked for."""

from __future__ import annotations

from collections import Counter

from umt_sim.expectations.invariants.finding import Finding
from umt_sim.expectations.wording import counted
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import EffectRecord

__all__ = ["no_duplicate_effects"]


def no_duplicate_effects(journal: Journal) -> Finding:
    """No two effects of one kind share their key."""
    effects = journal.of(EffectRecord)
    if not effects:
        return Finding("no effect was recorded", blind=True)
    counts = Counter((effect.kind, effect.key) for effect in effects)
    violations = tuple(
        f"{kind} {key} took place {count} times"
        for (kind, key), count in counts.items()
        if count > 1
    )
    return Finding(counted(len(counts), "effect"), violations)
