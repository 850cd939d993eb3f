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
from importlib import import_module
from random import Random
from threading import get_ident
from typing import Any

from umt_sim.kernel.hosts import current_host
from umt_sim.kernel.streams import Streams
from umt_sim.kernel.wall_clock import WallClock

__all__ = ["ORIGINALS", "seed_generators", "virtual_functions"]

_RANDOM_FUNCTIONS = {
    name: getattr(random, name)
    for name in random.__all__
    if getattr(getattr(random, name), "__self__", None) is random._inst
}
_SYSTEM_ENTROPY = [os.urandom, ssl.RAND_bytes]
if hasattr(os, "getrandom"):
    _SYSTEM_ENTROPY.append(os.getrandom)
ORIGINALS = [
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
    *(getattr(time, name) for name in ("clock_gettime", "clock_gettime_ns") if hasattr(time, name)),
    uuid.getnode,
    socket.gethostname,
    *_SYSTEM_ENTROPY,
    *_RANDOM_FUNCTIONS.values(),
]
"""The functions for which ``virtual_functions`` has replacements."""

_UUID_STATE = (
    "_generate_time_safe",  # libuuid's clock and address; without it uuid1 uses ours
    "_UuidCreate",
    "_last_timestamp",
    "_last_timestamp_v6",
    "_last_timestamp_v7",
    "_last_counter_v7",
)
_NODE = 0x02_00_00_00_00_01  # a locally administered address: nobody's machine


def virtual_functions(clock: WallClock, streams: Streams) -> dict[Any, Any]:
    """For each function that reads a clock or draws randomness, one that asks the kernel."""
    stream = streams.stream("entropy/random")
    entropy = streams.stream("entropy/system")
    virtual = clock.functions()
    virtual |= {function: getattr(stream, name) for name, function in _RANDOM_FUNCTIONS.items()}
    virtual |= dict.fromkeys(_SYSTEM_ENTROPY, lambda size, *_, **__: entropy.randbytes(size))
    virtual |= {uuid.getnode: lambda: _NODE, socket.gethostname: _host_name}
    thread = get_ident()
    return {real: _in_thread(thread, function, real) for real, function in virtual.items()}


def seed_generators(streams: Streams, undo: ExitStack) -> None:
    """Seed the generators that functions cannot stand for, until *undo* closes."""
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
    hidden = random._inst
    undo.callback(hidden.setstate, hidden.getstate())
    hidden.seed(f"{streams.seed}:entropy/hidden")
    if "numpy" in sys.modules:
        numpy_random = import_module("numpy.random")  # NumPy loads it on first use
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
