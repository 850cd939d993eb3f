"""
What a person looks at: tables and figures made from a journal, and nothing else.

- ``result``: one run, opened. Start here.
- ``frames``: records as tidy DataFrames, units in the column names.
- ``summary``: the table of operations by window.
- ``figure``: the run over time: latency, rates, queues, breakers, faults shaded.
- ``panels``: the parts of that figure.
- ``bands``: the faults in it; ``scales``: its axes; ``names``: words short enough for it.
- ``figures``: pictures of one question each: traces, topology, heat maps, distributions.
- ``impact``: what the faults did, as tables.
- ``breaker``: one breaker: states, worth, transitions.
- ``report``: a run as one HTML file.
- ``otlp``: the traces in the form that Jaeger and collectors read.
- ``reproduction``: the line that runs the same thing again.
- ``state_diagram``: a state machine from its table, with the steps a run took.
- ``grid``: one number of many runs over two parameters, as heat maps.
- ``comparison``: two policies on the same luck, seed by seed.
- ``calibration``: service times fitted to the client spans of a run.
- ``twin``: one scenario in two worlds, and how far they agree.
- ``palette``: the colours and the sizes of letters.
- ``page``: a run as HTML, for notebooks.
"""

from umt_sim.analysis.result import Result

__all__ = ["Result"]
