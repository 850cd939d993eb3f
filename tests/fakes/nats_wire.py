"""A server that speaks NATS's core protocol: publish, subscribe, ping."""

from __future__ import annotations

import asyncio
import json

INFO = {
    "server_id": "fake",
    "version": "2.12.0",
    "proto": 1,
    "max_payload": 1 << 20,
    "headers": False,
}


class NatsWire:
    """Delivers what is published to every subscription of that subject, in order."""

    def __init__(self) -> None:
        self._subscriptions: dict[tuple[asyncio.StreamWriter, bytes], bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO " + json.dumps(INFO).encode() + b"\r\n")
        try:
            while line := await reader.readline():
                await self._command(line.split(), reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._subscriptions = {
                key: subject for key, subject in self._subscriptions.items() if key[0] is not writer
            }
            writer.close()

    async def _command(
        self, words: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match words:
            case [b"PING"]:
                writer.write(b"PONG\r\n")
            case [b"SUB", subject, *_, sid]:
                self._subscriptions[writer, sid] = subject
            case [b"UNSUB", sid, *_]:
                self._subscriptions.pop((writer, sid), None)
            case [b"PUB", subject, *reply, size]:
                payload = await reader.readexactly(int(size) + 2)
                for (subscriber, sid), wanted in self._subscriptions.items():
                    if _matches(wanted, subject):
                        head = b" ".join([b"MSG", subject, sid, *reply, size])
                        subscriber.write(head + b"\r\n" + payload)


def _matches(wanted: bytes, subject: bytes) -> bool:
    return wanted == subject or (wanted.endswith(b".*") and subject.startswith(wanted[:-1]))
