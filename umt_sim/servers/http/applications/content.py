"""Numbers that depend on a text and on one seed, and on nothing that happened before."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

__all__ = ["Content"]


class Content:
    """
    Turns texts into numbers, the same ones in every run of one seed.

    The stream is read once, at the beginning. So the answer to a request does not
    depend on which requests came before, and two policies get the same answers.

    Args:
        stream: The application's own random numbers.
    """

    def __init__(self, stream: Random) -> None:
        self._salt = stream.getrandbits(64).to_bytes(8)

    def digest(self, text: str) -> bytes:
        """Thirty-two bytes for *text*."""
        return blake2b(text.encode(errors="surrogatepass"), digest_size=32, key=self._salt).digest()

    def share(self, text: str) -> float:
        """A number in [0, 1) for *text*."""
        return int.from_bytes(self.digest(text)[:7]) / 2**56
