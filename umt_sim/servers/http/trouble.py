"""What makes an upstream answer something else than what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from umt_sim.distributions.base import check_positive

if TYPE_CHECKING:
    from random import Random

__all__ = ["ErrorMix", "RateLimit", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    An error that was drawn for a request.

    Attributes:
        status: What is answered.
        effective: Whether the request takes effect all the same, which its sender cannot know.
    """

    status: int
    effective: bool


@dataclass(frozen=True, slots=True)
class ErrorMix:
    """
    Shares of requests that are answered with an error, by chance.

    Every request takes one number, so that two policies meet the same errors.

    Args:
        shares: HTTP status of 400 and above, and its share in [0, 1].
        effective: Share of the 5xx answers whose request took effect before the answer
            went wrong. These are what makes a retry without an idempotency key dangerous.

    Raises:
        ValueError: A share is out of range, they sum to more than 1, or a status is no error.
    """

    shares: Mapping[int, float] = field(default_factory=dict)
    effective: float = 0.0

    def __post_init__(self) -> None:
        for status, share in self.shares.items():
            if status not in range(400, 600):
                raise ValueError(f"an error has a status of 400 to 599, got {status!r}")
            if not 0 <= share <= 1:
                raise ValueError(f"the share of {status} must lie in [0, 1], got {share!r}")
        if sum(self.shares.values()) > 1:
            raise ValueError(f"the shares of errors sum to more than 1: {dict(self.shares)!r}")
        if not 0 <= self.effective <= 1:
            raise ValueError(f"the effective share must lie in [0, 1], got {self.effective!r}")

    def draw(self, stream: Random) -> Verdict | None:
        """The error for the next request, or ``None`` for most."""
        u = stream.random()
        for status, share in self.shares.items():
            if u < share:
                # What is left of u is uniform in [0, share): one number serves both questions.
                return Verdict(status, effective=status >= 500 and u < share * self.effective)
            u -= share
        return None


class RateLimit:
    """
    A token bucket: so many requests in so many seconds, all at once if they like.

    Args:
        requests: How many are allowed, at least 1.
        seconds: In how long.

    Raises:
        ValueError: A number is not above zero.
    """

    def __init__(self, *, requests: int, seconds: float) -> None:
        check_positive("the allowed requests", requests)
        check_positive("the seconds of a rate limit", seconds)
        self._most = float(requests)
        self._rate = requests / seconds
        self._tokens = self._most
        self._counted_at = 0.0

    @classmethod
    def per_second(cls, rate: float | None) -> RateLimit | None:
        """So many requests per second, one second's worth at once; nothing for ``None``."""
        if rate is None:
            return None
        requests = max(1, round(rate))
        return cls(requests=requests, seconds=requests / rate)

    def wait_for(self, now: float) -> float:
        """Take a token: 0, or the seconds until there will be one, and none was taken."""
        self._tokens = min(self._most, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate
