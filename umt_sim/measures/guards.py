"""Which guards a policy's name stands for."""

from __future__ import annotations

__all__ = ["made_from"]


def made_from(guard: str, policy: str) -> bool:
    """
    Whether *guard* was made from *policy*: by its own name, or in a process as ``process/policy``.

    Every process of a system has guards of its own. ``llm`` stands for all of them, and
    ``content-creation-agent/llm`` for the one.
    """
    return guard == policy or guard.endswith(f"/{policy}")
