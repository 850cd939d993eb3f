"""Vault on Fernet: AES-128-CBC and HMAC-SHA256, from the ``cryptography`` package."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from umt_sim.platform.errors import InvariantViolated

__all__ = ["FernetVault"]


class FernetVault:
    """
    Seals secrets with the first of its keys and opens what any of them sealed.

    To change the key put the new one in front, reseal what is stored, then drop
    the old one.

    Args:
        keys: Made by ``FernetVault.new_key``; newest first.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a vault needs a key; FernetVault.new_key() makes one")
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @staticmethod
    def new_key() -> bytes:
        """A new random key."""
        return Fernet.generate_key()

    def __repr__(self) -> str:
        return "<FernetVault>"

    def seal(self, secret: str) -> bytes:
        """*secret*, readable to nobody without the key."""
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret in *sealed*."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise InvariantViolated("credentials were not sealed with a key of ours") from error

    def reseal(self, sealed: bytes) -> bytes:
        """The same secret, sealed with the newest key."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise InvariantViolated("credentials were not sealed with a key of ours") from error
