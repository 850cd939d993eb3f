"""The table of a run: each operation in each window, every number with its interval."""

from __future__ import annotations

import pandas as pd

from umt_sim.expectations.readings import Readings
from umt_sim.measures.estimates import Estimate, quantile_estimate
from umt_sim.measures.windows import RUN

__all__ = ["summary_frame"]

_QUANTILES = (0.5, 0.95, 0.99)


def summary_frame(readings: Readings) -> pd.DataFrame:
    """
    One row for each operation and window.

    Columns ending in ``_low`` and ``_high`` are 95 % intervals; they are empty where
    the sample is too small to have one.
    """
    names = list(dict.fromkeys(readings.requests.name.tolist()))
    rows = []
    for name in names:
        for window in readings.windows.values():
            batching = readings.batching(window)
            requests = readings.requests_in(name, window)
            throughput = readings.requests_of(name).throughput(window, batching, good_only=True)
            row = {
                "operation": name,
                "window": "whole run" if window.name == RUN else window.name,
                "start_s": window.start,
                "end_s": window.end,
                "n": len(requests),
                "goodput_per_s": throughput.value,
                **_spread("error_percent", requests.error_rate(batching), 100.0),
            }
            sojourn = requests.sojourn_times()
            for q in _QUANTILES:
                column = f"p{q * 100:g}_ms"
                row |= _spread(column, quantile_estimate(sojourn, q, batching), 1e3)
            rows.append(row)
    return pd.DataFrame(rows)


def _spread(column: str, estimate: Estimate, scale: float) -> dict[str, float | None]:
    def scaled(value: float | None) -> float | None:
        return None if value is None else value * scale

    return {
        column: scaled(estimate.value),
        f"{column}_low": scaled(estimate.low),
        f"{column}_high": scaled(estimate.high),
    }
