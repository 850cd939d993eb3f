"""
For the length of a run, clocks and randomness come from the kernel, for its thread.

Where a program can learn something that differs from run to run: the ``time``
module, ``datetime``, the ``random`` module and its hidden instance, unseeded
``Random()`` objects, the operating system's entropy (``os.urandom``, and through it
``secrets``, ``SystemRandom`` and ``uuid4``), the machine's network address
(``uuid1``), host name and time zone, and NumPy's global generator. Other
threads keep the real ones.

Not reached: OpenSSL's own generator (ciphertext differs, its length does not),
entropy drawn inside other C and Rust code, process ids, and hashes of strings, which
order sets of strings; use ordered containers there.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from random import Random
from threading import get_ident
from typing import Any

from umt_sim.kernel.aliases import Aliases
from umt_sim.kernel.hosts import current_host
from umt_sim.kernel.streams import Streams
from umt_sim.kernel.wall_clock import WallClock, utc_everywhere, virtual_datetime

__all__ = ["virtual_entropy"]

_RANDOM_FUNCTIONS = {
    name: getattr(random, name)
    for name in random.__all__
    if getattr(getattr(random, name), "__self__", None) is random._inst  # type: ignore[attr-defined]
}
_SYSTEM_ENTROPY = [os.urandom, ssl.RAND_bytes]
if hasattr(os, "getrandom"):
    _SYSTEM_ENTROPY.append(os.getrandom)
_CLOCKS = [
    time.time,
    time.time_ns,
    time.monotonic,
    time.monotonic_ns,
    time.perf_counter,
    time.perf_counter_ns,
    time.localtime,
    time.gmtime,
    time.ctime,
    time.strftime,
]
_ALIASES = Aliases(
    [*_CLOCKS, *_RANDOM_FUNCTIONS.values(), *_SYSTEM_ENTROPY, uuid.getnode, socket.gethostname]
)
_UUID_STATE = (
    "_generate_time_safe",  # libuuid's clock and address; without it uuid1 uses ours
    "_UuidCreate",
    "_last_timestamp",
    "_last_timestamp_v6",
    "_last_timestamp_v7",
    "_last_counter_v7",
)
_NODE = 0x02_00_00_00_00_01  # a locally administered address: nobody's machine


def virtual_entropy(clock: WallClock, streams: Streams, undo: ExitStack) -> None:
    """
    Put *clock* and *streams* in the place of the machine's.

    Args:
        clock: What the clocks show.
        streams: Where randomness comes from; paths begin with ``entropy/``.
        undo: Restores the machine's own when closed.
    """
    thread = get_ident()
    stream = streams.stream("entropy/random")
    entropy = streams.stream("entropy/system")
    replacements = clock.functions()
    replacements |= {
        function: getattr(stream, name) for name, function in _RANDOM_FUNCTIONS.items()
    }
    replacements |= dict.fromkeys(_SYSTEM_ENTROPY, lambda size, *_, **__: entropy.randbytes(size))
    replacements |= {uuid.getnode: lambda: _NODE, socket.gethostname: _host_name}
    _ALIASES.rebind(
        {real: _in_thread(thread, virtual, real) for real, virtual in replacements.items()}, undo
    )
    virtual_datetime(clock, undo)
    utc_everywhere(undo)
    _seed_hidden_generators(streams, undo)
    _seed_the_unseeded(streams, undo)
    for name in _UUID_STATE:
        if hasattr(uuid, name):
            undo.callback(setattr, uuid, name, getattr(uuid, name))
            setattr(uuid, name, None)


def _in_thread(thread: int, virtual: Callable[..., Any], real: Callable[..., Any]) -> Any:
    @wraps(real)
    def function(*args: Any, **kwargs: Any) -> Any:
        if get_ident() == thread:
            return virtual(*args, **kwargs)
        return real(*args, **kwargs)

    return function


def _host_name() -> str:
    host = current_host()
    return "simulation" if host is None else host.name


def _seed_hidden_generators(streams: Streams, undo: ExitStack) -> None:
    """Seed the instance behind ``random``'s functions, for those who hold a bound method of it."""
    hidden = random._inst  # type: ignore[attr-defined]
    undo.callback(hidden.setstate, hidden.getstate())
    hidden.seed(f"{streams.seed}:entropy/hidden")
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        undo.callback(numpy_random.set_state, numpy_random.get_state())
        numpy_random.seed(Random(f"{streams.seed}:entropy/numpy").getrandbits(32))


def _seed_the_unseeded(streams: Streams, undo: ExitStack) -> None:
    """Let ``Random()`` without a seed, which asks the system in C, take one from a stream."""
    thread, stream = get_ident(), streams.stream("entropy/unseeded")
    original = Random.seed

    @wraps(original)
    def seed(self: Random, a: Any = None, version: int = 2) -> None:
        if a is None and get_ident() == thread:
            a = stream.getrandbits(128)
        original(self, a, version)

    undo.callback(setattr, Random, "seed", original)
    Random.seed = seed  # type: ignore[method-assign]
