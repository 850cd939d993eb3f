"""
One scenario in two worlds, and how far they agree.

- ``comparing``: ``Twin``, two runs of one plan. Start here.
- ``tolerances``: what still counts as agreement.
- ``conditions``: what must hold before a comparison means anything.
- ``findings``: one number in two worlds.
- ``requests``, ``breakers``, ``messages``: what is compared.
- ``frames``: the same as tidy tables.
- ``figure``, ``page``: how it looks.
"""

from umt_sim.analysis.twin.comparing import Twin
from umt_sim.analysis.twin.findings import Finding
from umt_sim.analysis.twin.tolerances import TOLERANCES, Tolerances

__all__ = ["TOLERANCES", "Finding", "Tolerances", "Twin"]
