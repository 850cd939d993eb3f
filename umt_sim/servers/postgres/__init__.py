"""
PostgreSQL in virtual time: a real engine answers, a front end decides when.

- ``server``: what clients connect to. ``session``, ``handshake``, ``inbox``: one connection.
- ``turnstile``: who may run in the engine; lock waits and deadlocks in virtual time.
- ``engine``: a private PostgreSQL process. ``binaries`` finds one, ``template`` prepares its
  files, ``places`` knows where they go, ``supervisor`` sees to it that it never outlives us.
- ``backend``, ``monitor``: our sessions of the engine: a client's, and the one that looks on.
- ``clock``, ``sql``, ``limits``: virtual time in SQL and its timeouts.
- ``wire``, ``errors``, ``password``: messages, their words, and the proof of a password.
"""

from umt_sim.servers.postgres.engine import Engine
from umt_sim.servers.postgres.server import PostgreSQL, recipe

__all__ = ["Engine", "PostgreSQL", "recipe"]
