"""
Asks a client for its password by SCRAM-SHA-256, as PostgreSQL does unless told otherwise.

The engine could ask itself, but its nonces are random and no two runs would be the same.
Channel binding is not offered.

Source:
    RFC 5802 and RFC 7677; PostgreSQL's documentation of SASL authentication.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from umt_sim.servers.postgres import errors, wire

if TYPE_CHECKING:
    from random import Random

    from umt_sim.servers.postgres.session import Session

__all__ = ["Secret", "ask_password"]

MECHANISM = b"SCRAM-SHA-256"
ITERATIONS = 4096
AUTHENTICATION_SASL, SASL_CONTINUE, SASL_FINAL = 10, 11, 12


class Secret:
    """
    What a server keeps of a password.

    Args:
        password: The password.
        stream: Makes the salt.
    """

    def __init__(self, password: str, stream: Random) -> None:
        self.salt = stream.randbytes(16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self.salt, ITERATIONS)
        self.stored_key = hashlib.sha256(_mac(salted, b"Client Key")).digest()
        self.server_key = _mac(salted, b"Server Key")

    def proves(self, proof: bytes, exchange: bytes) -> bool:
        """Whether *proof* could only be made by somebody who knows the password."""
        signature = _mac(self.stored_key, exchange)
        if len(proof) != len(signature):
            return False
        key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
        return hmac.compare_digest(hashlib.sha256(key).digest(), self.stored_key)


async def ask_password(session: Session, secret: Secret, stream: Random, user: str) -> bytes | None:
    """
    Have the client prove that it knows the password.

    Returns:
        ``None`` if it does, else the error that ends the session.

    Raises:
        ProtocolViolation: The client's messages are not those of SCRAM.
    """
    session.say(_authentication(AUTHENTICATION_SASL, MECHANISM + b"\0\0"))
    mechanism, _, rest = (await session.inbox.message(b"p")).partition(b"\0")
    if mechanism != MECHANISM:
        raise wire.ProtocolViolation("client selected an invalid SASL authentication mechanism")
    header, bare = _client_first(rest[4:])
    nonce = _attributes(bare)["r"] + b64encode(stream.randbytes(18)).decode()
    salt = b64encode(secret.salt).decode()
    first = f"r={nonce},s={salt},i={ITERATIONS}".encode()
    session.say(_authentication(SASL_CONTINUE, first))
    final = await session.inbox.message(b"p")
    without_proof, _, proof = final.rpartition(b",p=")
    said = _attributes(without_proof)
    if said.get("c") != b64encode(header).decode() or said.get("r") != nonce:
        raise wire.ProtocolViolation("malformed SCRAM message: nonce or header does not match")
    exchange = b",".join((bare, first, without_proof))
    if not secret.proves(_decoded(proof), exchange):
        return errors.fatal("28P01", f'password authentication failed for user "{user}"')
    signature = b64encode(_mac(secret.server_key, exchange))
    session.say(_authentication(SASL_FINAL, b"v=" + signature))
    return None


def _client_first(message: bytes) -> tuple[bytes, bytes]:
    """The header about channel binding, and the rest."""
    parts = message.split(b",", 2)
    if len(parts) != 3 or parts[0] not in (b"n", b"y"):
        raise wire.ProtocolViolation("malformed SCRAM message: channel binding is not offered")
    return b",".join(parts[:2]) + b",", parts[2]


def _attributes(message: bytes) -> dict[str, str]:
    try:
        words = message.decode().split(",")
    except UnicodeDecodeError as error:
        raise wire.ProtocolViolation("malformed SCRAM message: not UTF-8") from error
    found = {word[:1]: word[2:] for word in words}
    if "r" not in found:
        raise wire.ProtocolViolation("malformed SCRAM message: no nonce")
    return found


def _decoded(text: bytes) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise wire.ProtocolViolation("malformed SCRAM message: not base64") from error


def _authentication(kind: int, body: bytes) -> bytes:
    return wire.message(b"R", kind.to_bytes(4, "big") + body)


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
