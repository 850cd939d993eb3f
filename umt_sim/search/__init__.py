"""
Many runs for one question: a grid of plans, on all cores.

- ``pool``: carries out tasks in processes of their own; Ctrl-C ends them in good order. Start here.
- ``worker``: one of these processes.
"""
