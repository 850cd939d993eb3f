"""Runs a simulation twice from one seed, and says where the two runs part."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from umt_sim.kernel.kernel import Kernel
from umt_sim.kernel.tape import DetailedTape

__all__ = ["check_determinism"]


def check_determinism(
    main: Callable[[Kernel], Coroutine[Any, Any, Any]], *, seed: int, **options: Any
) -> str:
    """
    Run ``main(kernel)`` twice and compare every entry of the two tapes.

    Two runs in one process differ in the addresses of objects and in whatever
    *main* keeps between runs. They share the hashes of strings: to find a set of strings
    that is iterated, compare fingerprints of several processes.

    Args:
        main: Builds and runs the whole simulation.
        seed: Of both runs.
        options: Passed to ``Kernel``.

    Returns:
        The fingerprint, equal to that of a run with a plain tape.

    Raises:
        Nondeterminism: Naming the first difference, its time, task and line.
    """
    tapes = []
    for _ in range(2):
        with Kernel(seed=seed, detailed=True, **options) as kernel:
            kernel.run(main(kernel))
        assert isinstance(kernel.tape, DetailedTape)
        tapes.append(kernel.tape)
    first, second = tapes
    first.compare(second)
    return first.hexdigest()
