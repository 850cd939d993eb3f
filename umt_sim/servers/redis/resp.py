"""
The Redis protocol: bytes to commands, replies to bytes.

Source:
    The RESP2 and RESP3 specifications; the limits and the wording of the protocol
    errors are those of Redis 7 (``networking.c``), found by sending the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isinf, isnan
from typing import Any

from fakeredis._helpers import SimpleError, SimpleString

__all__ = ["NULL_ARRAY", "Parser", "ProtocolError", "SetReply", "encoder", "push"]

_MOST_ARGUMENTS = 2**31 - 1
_LONGEST_BULK = 512 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_ARRAY = ord("*")
_BULK = ord("$")


class ProtocolError(Exception):
    """The client's bytes are not RESP. It is told so and disconnected, as Redis does."""


class SetReply(list[Any]):
    """A reply that RESP3 writes as a set. A list, so that its order is fixed."""


class _NullArray:
    """The absent array: RESP2 tells it from the absent string."""


NULL_ARRAY = _NullArray()


class Parser:
    """Cuts a stream of bytes into commands; what is incomplete waits for the next ``feed``."""

    def __init__(self) -> None:
        self._buffer = b""
        self._fields: list[bytes] = []  # of the command being read
        self._missing = 0  # fields it still lacks

    def feed(self, data: bytes) -> list[list[bytes]]:
        """
        Add *data* and return the commands that are complete now.

        Raises:
            ProtocolError: These bytes are not RESP. The commands before them are in
                ``args[1]``: they were sent and count.
        """
        buffer = self._buffer + data if self._buffer else data
        commands: list[list[bytes]] = []
        at = 0
        try:
            while at < len(buffer):
                done = self._read_fields(buffer, at) if self._missing else self._begin(buffer, at)
                if done < 0:
                    break
                at = done
                if not self._missing and self._fields:
                    commands.append(self._fields)
                    self._fields = []
        except ProtocolError as error:
            raise ProtocolError(error.args[0], commands) from None
        self._buffer = buffer[at:]
        return commands

    def _begin(self, buffer: bytes, at: int) -> int:
        """Read a header or an inline command; where it ends, or -1 if it is incomplete."""
        end = buffer.find(b"\n", at)
        if end < 0:
            if len(buffer) - at > _LONGEST_LINE:
                kind = "mbulk count string" if buffer[at] == _ARRAY else "inline request"
                raise ProtocolError(f"Protocol error: too big {kind}")
            return -1
        line = buffer[at:end].rstrip(b"\r")
        if buffer[at] == _ARRAY:
            self._missing = max(0, _number(line[1:], "multibulk", _MOST_ARGUMENTS))
        else:
            self._fields = _inline(line)
        return end + 1

    def _read_fields(self, buffer: bytes, at: int) -> int:
        """Read the fields that are there; where the last one ends, or -1 if there is none."""
        fields, missing, begin = self._fields, self._missing, at
        while missing:
            end = buffer.find(b"\r\n", at)
            if end < 0:
                if len(buffer) - at > _LONGEST_LINE:
                    raise ProtocolError("Protocol error: too big bulk count string")
                break
            if buffer[at] != _BULK:
                raise ProtocolError(f"Protocol error: expected '$', got '{_shown(buffer[at])}'")
            size = _number(buffer[at + 1 : end], "bulk", _LONGEST_BULK)
            if size < 0:
                raise ProtocolError("Protocol error: invalid bulk length")
            start = end + 2
            stop = start + size
            if len(buffer) < stop + 2:
                break
            fields.append(buffer[start:stop])
            missing -= 1
            at = stop + 2
        self._missing = missing
        return at if at > begin else -1


def _shown(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}"


def _number(digits: bytes, what: str, most: int) -> int:
    if digits.isdigit() or digits.removeprefix(b"-").isdigit():
        number = int(digits)
        if number <= most:
            return number
    raise ProtocolError(f"Protocol error: invalid {what} length")


def _inline(line: bytes) -> list[bytes]:
    """The words of a command typed by hand; quotes hold words together."""
    if b'"' not in line and b"'" not in line:
        return line.split()
    words: list[bytes] = []
    at = 0
    while at < len(line):
        if line[at : at + 1].isspace():
            at += 1
            continue
        word, at = _word(line, at)
        words.append(word)
    return words


_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def _word(line: bytes, at: int) -> tuple[bytes, int]:
    """The word that begins at *at*, and where it ends."""
    word = bytearray()
    while at < len(line):
        char = line[at : at + 1]
        at += 1
        if char.isspace():
            break
        if char in (b'"', b"'"):
            quoted, at = _quoted(line, at, char)
            return bytes(word + quoted), at
        word += char
    return bytes(word), at


def _quoted(line: bytes, at: int, quote: bytes) -> tuple[bytes, int]:
    """What stands before the closing *quote*, which must end the word."""
    text = bytearray()
    while at < len(line):
        char = line[at : at + 1]
        at += 1
        if char == quote:
            if at < len(line) and not line[at : at + 1].isspace():
                break
            return bytes(text), at
        if char == b"\\" and at < len(line):
            char, at = _escaped(line, at, quote)
        text += char
    raise ProtocolError("Protocol error: unbalanced quotes in request")


def _escaped(line: bytes, at: int, quote: bytes) -> tuple[bytes, int]:
    """What the backslash before *at* makes of the characters there."""
    char = line[at : at + 1]
    if quote == b"'":
        return (b"'", at + 1) if char == b"'" else (b"\\", at)
    if char == b"x" and _is_hex(line[at + 1 : at + 3]):
        return bytes([int(line[at + 1 : at + 3], 16)]), at + 3
    return _ESCAPES.get(char, char), at + 1


def _is_hex(digits: bytes) -> bool:
    return len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits)


def encoder(protocol: int) -> Callable[[Any], bytes]:
    """What writes replies for a client that speaks RESP *protocol*, 2 or 3."""
    return _encode_3 if protocol == 3 else _encode_2


def push(protocol: int, message: list[Any]) -> bytes:
    """A message nobody asked for: its own type in RESP3, an array in RESP2."""
    encoded = encoder(protocol)(message)
    return b">" + encoded[1:] if protocol == 3 else encoded


def _encode_2(reply: Any) -> bytes:
    kind = reply.__class__
    if kind is bytes:
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if kind is int:
        return b":%d\r\n" % reply
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, list | tuple):
        return b"*%d\r\n%b" % (len(reply), b"".join(map(_encode_2, reply)))
    if reply is NULL_ARRAY:
        return b"*-1\r\n"
    if kind is bool:
        return b":%d\r\n" % reply
    if kind is dict:
        return _encode_2([item for pair in reply.items() for item in pair])
    return _encode_line(reply) or _encode_2(_text(reply))


def _encode_3(reply: Any) -> bytes:
    kind = reply.__class__
    if kind is bytes:
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if kind is int:
        return b":%d\r\n" % reply
    if reply is None or reply is NULL_ARRAY:
        return b"_\r\n"
    if isinstance(reply, list | tuple):
        mark = b"~" if kind is SetReply else b"*"
        return b"%b%d\r\n%b" % (mark, len(reply), b"".join(map(_encode_3, reply)))
    if kind is bool:
        return b"#t\r\n" if reply else b"#f\r\n"
    if kind is float:
        return b",%b\r\n" % _text(reply)
    if kind is dict:
        items = b"".join(_encode_3(item) for pair in reply.items() for item in pair)
        return b"%%%d\r\n%b" % (len(reply), items)
    return _encode_line(reply) or _encode_3(_text(reply))


def _encode_line(reply: Any) -> bytes:
    """A status or an error, which are one line in both protocols; empty for anything else."""
    if reply.__class__ is SimpleString:
        return b"+%b\r\n" % reply.value
    return _error(reply) if reply.__class__ is SimpleError else b""


def _error(error: SimpleError) -> bytes:
    text = error.value.replace("\r", " ").replace("\n", " ")
    return b"-%b\r\n" % text.encode("utf-8", "surrogateescape")


def _text(value: str | float) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isnan(value):
        return b"nan"
    if isinf(value):
        return b"inf" if value > 0 else b"-inf"
    return b"%d" % value if value == int(value) else b"%.17g" % value
