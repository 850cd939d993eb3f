"""PostgreSQL's messages: where one ends and the next begins, and the few that we write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct

__all__ = [
    "ProtocolViolation",
    "error_response",
    "fields_of",
    "frames",
    "message",
    "parameters_of",
    "startup",
]

# Types of the clients' messages. Others are written where they are used.
QUERY, PARSE, BIND, DESCRIBE, EXECUTE, CLOSE, SYNC, FLUSH = b"QPBDECSH"
COPY_DATA, COPY_DONE, COPY_FAIL, FUNCTION_CALL, TERMINATE = b"dcfFX"

HEADER = Struct("!cI")
LENGTH = Struct("!I")
LARGEST_MESSAGE = 0x3FFFFFFF  # PostgreSQL's own limit, PQ_LARGE_MESSAGE_LIMIT

PROTOCOL_3 = 196608
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102


class ProtocolViolation(Exception):
    """The client sent what is no message; the session ends with SQLSTATE 08P01."""


def message(kind: bytes, body: bytes) -> bytes:
    """One message with its header."""
    return HEADER.pack(kind, len(body) + 4) + body


def frames(data: bytes | bytearray, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """
    Walk the complete messages of *data* from *at*.

    Yields:
        Type byte, begin and end of each message, header included.
    """
    size = len(data)
    while size - at >= 5:
        end = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big")
        if end > size:
            return
        yield data[at], at, end
        at = end


def startup(parameters: Mapping[str, str], protocol: int = PROTOCOL_3) -> bytes:
    """A StartupMessage."""
    words = "".join(f"{name}\0{value}\0" for name, value in parameters.items()) + "\0"
    body = words.encode()
    return LENGTH.pack(len(body) + 8) + LENGTH.pack(protocol) + body


def parameters_of(body: bytes) -> dict[str, str]:
    """
    The parameters of a StartupMessage, without its length and version.

    Raises:
        ProtocolViolation: They are no list of names and values.
    """
    words = body.split(b"\0")
    if len(words) < 2 or words[-2:] != [b"", b""] or len(words) % 2:
        raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte")
    try:
        texts = [word.decode() for word in words[:-2]]
    except UnicodeDecodeError as error:
        raise ProtocolViolation("a startup parameter is not UTF-8") from error
    return dict(zip(texts[::2], texts[1::2], strict=True))


def error_response(severity: str, code: str, text: str, **more: str) -> bytes:
    """
    An ErrorResponse.

    Args:
        severity: ``ERROR`` leaves the session usable, ``FATAL`` ends it.
        code: SQLSTATE.
        text: The primary message.
        more: Further fields by their letter, as in ``D="detail"``.
    """
    fields = {"S": severity, "V": severity, "C": code, "M": text, **more}
    body = b"".join(letter.encode() + value.encode() + b"\0" for letter, value in fields.items())
    return message(b"E", body + b"\0")


def fields_of(frame: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or NoticeResponse by their letter, header included."""
    words = frame[5:].split(b"\0")
    return {word[:1].decode(): word[1:].decode(errors="replace") for word in words if word}
