"""
The one definition of every number that is read off a journal.

- ``estimates``: a number with its sample size and interval, and how these are made. Start here.
- ``student``: quantiles of Student's t, without a dependency.
- ``windows``: named stretches of a run: baseline, each fault, recovery.
- ``requests``: sojourn times, error rates, throughput, requests in flight.
- ``warmup``: advice on how much of the beginning to leave out.
- ``steps``: quantities that hold their value until the next change.
- ``guards``: which retries and breakers a policy's name stands for.
- ``breakers``: states over time, transitions, refusals.
- ``units``: quantities as text with their unit, both ways.
- ``counters``: messages, retries, queue lengths, span durations, observations.
- ``calls``: how long services took to answer, as client spans tell.
- ``flow``: laws that hold exactly on every run: flow balance, busy time, Little's law.
- ``impact``: what a fault did: reach, detection, recovery, error budget.
- ``traces``: one trace: its tree, who took part, what its answer waited for.
- ``topology``: who talks to whom, how fast and how well.
- ``curves``: how far two runs drift apart.
- ``series``: numbers over time, one for each stretch of a run.
- ``fitting``: a distribution for observed times, and how well it fits.

An undefined number is ``None``, never zero and never -1. Latency counts from the
*scheduled* arrival.
"""
