"""
Joins a scenario file, a system and a world. The only package that names a concrete world.

- ``running``: ``run``, from a file to a ``Result``. Start here.
- ``worlds``: opens a world by its name.
- ``twin``: ``run_twin``, one file in both worlds.
- ``trials``: runs as plain data that travels between processes, and what came of them.
- ``sweeping``: every combination of some values.
- ``baselines``: a scenario compared with its stored baseline.
- ``determinism``: runs a plan in two processes and compares what they did.
- ``trail``: one of these two processes.

For a way in of your own, such as a test runner or a service, trials are enough::

    for trial in trials_of("outage.yaml", seeds=[1, 2], asked=["latency.p95 during outage"]):
        found = run_trial(trial, tell=print)
        found.status, found.code        # the verdict, and what a command returns for it
        found.verdicts                  # each expectation with evidence, estimate and interval
        found.numbers                   # name of a number to its estimate
        found.reproduce                 # the command that runs the same again

``search.pool.carry_out(run_trial, trials, jobs=2, done=...)`` does many at once.
"""

from umt_sim.bootstrap.determinism import check_determinism
from umt_sim.bootstrap.running import run, run_plan
from umt_sim.bootstrap.trials import Trial, TrialResult, run_trial, trials_of
from umt_sim.bootstrap.twin import run_twin
from umt_sim.bootstrap.worlds import Supply, open_world

__all__ = [
    "Supply",
    "Trial",
    "TrialResult",
    "check_determinism",
    "open_world",
    "run",
    "run_plan",
    "run_trial",
    "run_twin",
    "trials_of",
]
