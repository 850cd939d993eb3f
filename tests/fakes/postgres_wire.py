"""A server that speaks enough of PostgreSQL's protocol to add one to an integer, TLS included."""

from __future__ import annotations

import asyncio
import ssl
import struct

SSL_REQUEST = 80877103
INT4 = 23


class PostgresWire:
    """
    Answers every prepared statement with its integer parameter plus one.

    Args:
        tls: Offered to clients that ask; otherwise they are told no.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._start_up(reader, writer)
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _start_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length, code = struct.unpack("!II", await reader.readexactly(8))
        if code == SSL_REQUEST:
            writer.write(b"S" if self._tls else b"N")
            if self._tls:
                await writer.start_tls(self._tls)
            length, code = struct.unpack("!II", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        writer.write(_message(b"R", struct.pack("!I", 0)))
        for name, value in (("server_version", "18.0"), ("client_encoding", "UTF8")):
            writer.write(_message(b"S", f"{name}\0{value}\0".encode()))
        writer.write(_message(b"K", struct.pack("!II", 1, 1)) + _ready())

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = b""
        while True:
            kind = await reader.readexactly(1)
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            body = await reader.readexactly(length - 4)
            if kind == b"X":
                return
            answers += self._answer(kind, body)
            if kind in b"HSQ":
                writer.write(answers)
                await writer.drain()
                answers = b""

    def _answer(self, kind: bytes, body: bytes) -> bytes:
        match kind:
            case b"P":
                return _message(b"1")
            case b"D":
                parameter = _message(b"t", struct.pack("!HI", 1, INT4))
                column = b"sum\0" + struct.pack("!IHIHIH", 0, 0, INT4, 4, 0xFFFFFFFF, 1)
                return parameter + _message(b"T", struct.pack("!H", 1) + column)
            case b"B":
                self._bound = struct.unpack("!i", body[-8:-4])[0]
                return _message(b"2")
            case b"E":
                row = struct.pack("!HIi", 1, 4, self._bound + 1)
                return _message(b"D", row) + _message(b"C", b"SELECT 1\0")
            case b"C":
                return _message(b"3")
            case b"Q":
                return _message(b"C", b"SELECT 1\0") + _ready()
            case b"S":
                return _ready()
            case _:
                return b""


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _ready() -> bytes:
    return _message(b"Z", b"I")
