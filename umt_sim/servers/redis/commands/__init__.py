"""
Commands that fakeredis lacks, or answers differently from Redis.

They are methods of the session; ``OWN`` says which command each of them is.

- `connection`: who a client is
- `administration`: the server itself
- `keys`: keys of any kind, times to live, numbers in strings (`long_double`)
- `collections`: lists, hashes, sets, sorted sets, places
- `streams`: reading them
- `scripts`: Lua
- `table`: how they are written down
"""

from umt_sim.servers.redis.commands.administration import ADMINISTRATION, AdministrationCommands
from umt_sim.servers.redis.commands.collections import COLLECTIONS, CollectionCommands
from umt_sim.servers.redis.commands.connection import CONNECTION, ConnectionCommands
from umt_sim.servers.redis.commands.keys import DATABASES, KEYS, KeyCommands
from umt_sim.servers.redis.commands.scripts import SCRIPTS, ScriptCommands
from umt_sim.servers.redis.commands.streams import STREAMS, StreamCommands

__all__ = ["DATABASES", "OWN", "OwnCommands"]

OWN = CONNECTION | ADMINISTRATION | KEYS | COLLECTIONS | STREAMS | SCRIPTS


class OwnCommands(
    ConnectionCommands,
    AdministrationCommands,
    KeyCommands,
    CollectionCommands,
    StreamCommands,
    ScriptCommands,
):
    """Mixed into the session, before fakeredis's own."""
