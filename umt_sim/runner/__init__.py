"""
Carries a frozen plan through its phases in one world and returns the journal.

- ``conduct``: the whole run, from set-up to the closed journal. Start here.
- ``phases``: set up, warm up, measure, heal, drain, tear down; one function each.
- ``nemesis``: performs the fault timeline.
- ``onlooker``: shows progress from a thread that lives in real time.
- ``interruption``: holds Ctrl-C back while the journal is closed or written.
- ``clock``: the time of the run, zero when its load begins.
"""
