"""
Pictures of one question each. Every number in them comes from ``umt_sim.measures``.

- ``gallery``: all of them for one run: ``result.figures``. Start here.
- ``waterfall``: the spans of a request and what its answer waited for.
- ``sequence``: who called whom for a request, as a figure and as Mermaid text.
- ``topology``: programs and servers, with the rate, errors and latency of each edge.
- ``latency``: latency as a heat map over time.
- ``distribution``: how latency is distributed in each window, with an interval.
- ``differences``: two policies compared, every difference with its interval.
"""
