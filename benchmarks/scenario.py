"""
What the first scenario costs: requests simulated per CPU second, and the loop's steps.

The operations are also measured apart, each alone at 20 requests/s, for they differ
by more than ten times. CPU time is this process's; the PostgreSQL engine's own is not in it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter, process_time

from umt_sim.bootstrap import run_plan
from umt_sim.kernel import Kernel
from umt_sim.scenario.loader import load

SCENARIO = Path(__file__).parents[1] / "scenarios" / "broker-brownout.yaml"
STEPS = 200_000
ALONE = (
    "clock={duration: 40s, warmup: 5s, drain: 5s}",
    "faults={}",
    "expect=[latency(read_dashboard).p95 < 1h during baseline]",
)


def simulate(title: str, *overrides: str) -> None:
    """Run the scenario and print what a request of it costs."""
    plan = load(SCENARIO, overrides=overrides)
    wall, cpu = perf_counter(), process_time()
    result = run_plan(plan)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    requests = len(result.operations)
    print(
        f"{title:34s} {requests:6d} requests  {cpu:6.2f} s CPU  {wall:6.2f} s wall"
        f"  {requests / cpu:7.0f} requests/CPU s  {cpu / requests * 1e3:6.2f} ms each"
    )


async def turns() -> float:
    """CPU seconds of one turn of the running loop."""
    before = process_time()
    for _ in range(STEPS):
        await asyncio.sleep(0)
    return (process_time() - before) / STEPS


def steps() -> None:
    """Print the cost of a loop step beside stock asyncio's, the best of five in turns."""
    ours, stock = [], []
    for _ in range(5):
        stock.append(asyncio.run(turns()))
        with Kernel(seed=1, livelock_limit=10 * STEPS) as kernel:
            ours.append(kernel.run(turns()))
    print(
        f"loop step: {min(ours) * 1e6:.2f} µs, stock asyncio {min(stock) * 1e6:.2f} µs,"
        f" ratio {min(ours) / min(stock):.2f}"
    )


def alone(operation: int) -> tuple[str, ...]:
    """Edits that leave one operation of the workload, at 20 requests/s."""
    other = 1 - operation
    return (
        *ALONE,
        f"workload.{operation}.arrivals.stages=[{{rate: 20/s, for: 40s}}]",
        f"workload.{other}.arrivals.stages=[{{rate: 0.01/s, for: 40s}}]",
    )


def main() -> None:
    """Measure everything once; the first run, which imports the drivers, is not printed."""
    run_plan(load(SCENARIO, overrides=(*ALONE, "clock.duration=6s")))
    simulate("broker-brownout, as shipped")
    simulate("create_content alone, 20/s", *alone(0))
    simulate("read_dashboard alone, 20/s", *alone(1))
    steps()


if __name__ == "__main__":
    main()
