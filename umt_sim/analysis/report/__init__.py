"""
A run as one HTML file that needs no network, for people who were not there.

- ``document``: the file: hypothesis, verdict, figures, slowest traces, advice, how to reproduce.
- ``advice``: what the numbers suggest to change, each piece with its evidence.
- ``page.html``: the template, printable.
"""

from umt_sim.analysis.report.document import comparison_report, refused_report, run_report

__all__ = ["comparison_report", "refused_report", "run_report"]
