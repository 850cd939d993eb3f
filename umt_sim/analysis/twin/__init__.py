"""
One scenario in two worlds, and how far they agree.

- ``twin``: ``Twin``, two runs of one plan. Start here.
- ``tolerances``: what still counts as agreement.
- ``conditions``: what must hold before a comparison means anything.
- ``comparisons``: one number in two worlds.
- ``requests``, ``breakers``, ``messages``: what is compared.
- ``frames``: the same as tidy tables.
- ``figure``, ``page``: how it looks.
"""

from umt_sim.analysis.twin.comparisons import Comparison
from umt_sim.analysis.twin.tolerances import TOLERANCES, Tolerances
from umt_sim.analysis.twin.twin import Twin

__all__ = ["TOLERANCES", "Comparison", "Tolerances", "Twin"]
