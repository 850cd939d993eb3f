"""
Many runs for one question: a grid of plans, on all cores.

- ``grid``: the points of a sweep.
- ``sweep``: what a sweep found, as tables.
- ``pool``: carries out tasks in processes of their own; Ctrl-C ends them in good order. Start here.
- ``worker``: one of these processes.
"""
