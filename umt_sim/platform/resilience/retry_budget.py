"""
A retry budget: a bucket of tokens that first attempts fill and retries empty.

Retries per call are no protection: when everything fails, every caller retries, and the
callee sees a multiple of its load just when it can bear least. A budget bounds the load to
``1 + ratio`` times the calls made, plus what the bucket held.
"""

from __future__ import annotations

from math import isfinite

__all__ = ["RetryBudget"]


class RetryBudget:
    """
    Shared by all calls to one callee.

    Args:
        ratio: Tokens each first attempt adds: retries allowed per call.
        burst: Tokens the bucket holds at most, and at the beginning.
    """

    def __init__(self, ratio: float = 0.1, burst: float = 10.0) -> None:
        if not (isfinite(ratio) and ratio >= 0):
            raise ValueError(f"the budget's ratio is {ratio}; write retries per call, 0 or more")
        if not (isfinite(burst) and burst >= 0):
            raise ValueError(f"the budget's burst is {burst}; write 0 or more retries")
        if not ratio and burst < 1:
            raise ValueError("the budget allows no retry ever; use max_attempts=1 instead")
        self.ratio = ratio
        self.burst = max(burst, 1.0)
        self._tokens = burst

    @property
    def tokens(self) -> float:
        """Retries that could be made now."""
        return self._tokens

    def deposit(self) -> None:
        """Note a first attempt."""
        self._tokens = min(self._tokens + self.ratio, self.burst)

    def withdraw(self) -> bool:
        """Take a token for a retry, if there is one."""
        if self._tokens < 1.0 - 1e-9:  # ten tenths are one
            return False
        self._tokens = max(self._tokens - 1.0, 0.0)
        return True
