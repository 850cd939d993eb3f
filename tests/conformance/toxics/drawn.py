"""Vectors nobody thought of: drawn from a seed, with what the simulated proxy makes of them."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.conformance.toxics.vectors import Arrivals, Vector
from tests.conformance.toxics.virtual import play
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.toxic import Direction

HORIZON = 6000.0  # ms: how long the simulated proxy is watched
LONGEST = 2500.0  # ms, and
MOST_STEPS = 120  # that a vector may take: beyond, real timers drift too far
BEAT = 40.0  # ms between moments of the plan; changes come off the beat, where order is certain

ATTRIBUTES: dict[str, dict[str, list[int]]] = {
    "latency": {"latency": [0, 60, 137, 210, 333]},
    "bandwidth": {"rate": [1, 3, 7, 20, 55, 200, 900]},
    "slicer": {"average_size": [50, 173, 700, 5000], "delay": [7000, 21000, 45000]},
    "limit_data": {"bytes": [1, 50, 700, 3001, 40000]},
    "slow_close": {"delay": [80, 250]},
    "timeout": {"timeout": [0, 170, 400]},
    "reset_peer": {"timeout": [0, 90, 310]},
}
SIZES = [1, 7, 50, 100, 300, 400, 800, 999, 2500, 9000, 40000, 100000]


def draw(count: int, seed: int) -> list[Vector]:
    """As many vectors, each short enough for real timers."""
    stream, vectors = Random(seed), list[Vector]()
    while len(vectors) < count:
        vector = _vector(f"drawn-{seed}-{len(vectors)}", stream)
        if vector.last_moment <= LONGEST and len(vector.expected.steps) <= MOST_STEPS:
            vectors.append(vector)
    return vectors


def _vector(name: str, stream: Random) -> Vector:
    toxics = [_toxic(stream) for _ in range(stream.randrange(5))]
    plan, ops = _plan(stream), _ops(stream, toxics)
    watched = Vector(name, "drawn", plan, toxics, ops, Arrivals(ending=(HORIZON, "")))
    with Kernel(seed=1) as kernel:
        seen = kernel.run(play(watched, Direction.UPSTREAM, Network(kernel)))
    return Vector(name, "drawn", plan, toxics, ops, seen)


def _toxic(stream: Random) -> dict[str, Any]:
    type_ = stream.choice(list(ATTRIBUTES))
    toxicity = 0.0 if stream.random() < 0.1 else 1.0
    return {"type": type_, "attributes": _attributes(stream, type_), "toxicity": toxicity}


def _attributes(stream: Random, type_: str) -> dict[str, int]:
    return {name: stream.choice(values) for name, values in ATTRIBUTES[type_].items()}


def _plan(stream: Random) -> list[tuple[float, int | str]]:
    at, plan = 0.0, list[tuple[float, int | str]]()
    for _ in range(stream.randint(1, 6)):
        plan.append((at, stream.choice(SIZES)))
        at += BEAT * stream.randint(1, 4)
    if stream.random() < 0.5:
        plan.append((at, "FIN"))
    return plan


def _ops(stream: Random, toxics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes of the chain while the connection lives."""
    types = [toxic["type"] for toxic in toxics]
    at, ops = BEAT * 1.5, list[dict[str, Any]]()
    for _ in range(stream.randrange(4)):
        do = stream.choice(["add", "update", "remove"]) if types else "add"
        place = stream.randrange(len(types)) if types else 0
        args: list[Any] = [place + 1]
        if do == "add":
            args = [_toxic(stream)]
            types.append(args[0]["type"])
        elif do == "remove":
            types.pop(place)
        else:
            args.append(_attributes(stream, types[place]))
        ops.append({"at": at, "do": do, "args": args})
        at += BEAT * stream.randint(2, 4)
    return ops
