"""What an upstream was asked and what it did, to prove that nothing happened twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

__all__ = ["Effect", "Request", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request that was answered.

    Attributes:
        arrived: Seconds of the run when it was read.
        answered: Seconds of the run when its answer began.
        operation: As the capacity knows it; empty if no route matched.
        status: What was answered.
        key: Its idempotency key; empty if it had none.
        replayed: Whether the answer was that of an earlier request with the same key.
    """

    arrived: float
    answered: float
    operation: str
    status: int
    key: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """
    Something an application did, whether or not its sender ever heard of it.

    Attributes:
        at: Seconds of the run.
        operation: As the capacity knows it.
        resource: What was made or changed.
        key: The idempotency key of the request; empty if it had none.
    """

    at: float
    operation: str
    resource: str
    key: str


class RequestLog:
    """Everything one upstream was asked and did, in order."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.effects: list[Effect] = []

    def effects_by_key(self) -> Counter[str]:
        """How often each idempotency key took effect. More than once is a duplicate."""
        return Counter(effect.key for effect in self.effects if effect.key)

    def duplicates(self) -> dict[str, int]:
        """The keys that took effect more than once, and how often."""
        return {key: count for key, count in self.effects_by_key().items() if count > 1}

    def statuses(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(request.status for request in self.requests)
