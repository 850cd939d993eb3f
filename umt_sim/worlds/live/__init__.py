"""
The live world: real servers behind a real Toxiproxy, in real time.

- ``world``: enters a run, supplies endpoints, leaves nothing behind. Start here.
- ``providers``: where the servers come from.
- ``programs``: private servers as processes of this machine.
- ``compose``: the commands of ``docker compose``.
- ``gateway``: the one place that speaks to Toxiproxy.
- ``faults``: performs faults; ``tally`` counts what they meet.
- ``connecting``: its own connections to a broker, closed also where opening them fails.
- ``knocking``: makes sure that each server is there and lets us in; ``versions``: that
  a broker is the one that was asked for.
- ``witness``: writes a real broker's queues and messages to the journal; ``account`` keeps
  the books.
- ``upstreams``: HTTP services, which are ours in every world.
- ``ledger``: what must be undone, written down before it is done; ``undo`` has the steps.
- ``processes``: which process is which, and how it is ended.
- ``looping``: runs it, in notebooks too.
- ``stopping``: SIGTERM and SIGHUP as Ctrl-C.
- ``unhandled``: exceptions that nobody handled, for the journal.
- ``servers``: private servers for tests, without a scenario.

How it is used: ``docs/live.md``.
"""

from umt_sim.worlds.live.world import LiveWorld

__all__ = ["LiveWorld"]
