"""HTTP/1.1 spoken badly."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx

from tests.fuzz.bombardment import Dialect
from tests.fuzz.recording import HOST
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream

__all__ = ["Http"]

PATHS = [
    "/v1/completions", "/v1/completions?x=%00", "/%ff%fe", "/posts", "/", "//", "*",
    "/v1/completions/..", "http://other/v1/completions", "/v1/completions#x", "/" + "a" * 9000,
]  # fmt: skip
BODIES = [
    b'{"prompt": "p", "max_tokens": 4}', b'{"prompt": "p", "max_tokens": 4, "stream": true}',
    b'{"prompt": 1}', b'{"prompt": "p", "max_tokens": -1}', b'{"prompt": "p", "max_tokens": 1e999}',
    b'{"prompt": "p", "max_tokens": true}', b'{"prompt": "\\ud800", "max_tokens": 2}', b"[]",
    b"{", b"", b"\xff\xfe", b'{"prompt": "\xff"}', b"[" * 5000, b"1" * 5000, b"NaN",
    b'"' + b"a" * 70_000 + b'"',
]  # fmt: skip


class Http(Dialect):
    """The language model's upstream; the other applications stand behind the same server."""

    def __init__(self, application: str) -> None:
        self._application = application

    def server(self, kernel: Kernel) -> HttpUpstream:
        """With nothing that goes wrong by chance."""
        stream = kernel.streams.stream
        return HttpUpstream(
            application=APPLICATIONS[self._application](stream("content")),
            capacity=Instant(),
            stream=stream("errors"),
        )

    async def drive(self, port: int) -> None:
        """Every route of the application with httpx."""
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=60) as client:
            for method, path, body in USE[self._application]:
                answer = await client.request(method, path, json=body)
                assert answer.status_code < 300, answer.text

    def messages(self, words: bytes) -> list[bytes]:
        """Requests; one ends where the next method begins."""
        starts = sorted(
            {words.find(line) for line in (b"POST /", b"GET /", b"PATCH /", b"PUT /")} - {-1}
        )
        return [words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True)]

    def conversation(self, draw: Random) -> list[bytes]:
        """Some requests on one connection, good and bad bodies among them."""
        return [request(draw) for _ in range(draw.randrange(1, 6))]

    def garbage(self, draw: Random) -> bytes:
        """Request lines, headers and lengths that no client would write."""
        line = draw.choice(REQUEST_LINES)
        headers = b"\r\n".join(draw.choices(HEADERS, k=draw.randrange(4)))
        end = draw.choice([b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n", b""])
        return line + b"\r\n" + headers + end + draw.choice([*BODIES, *CHUNKS])

    def left_behind(self, server: HttpUpstream) -> list[Any]:
        """Open connections."""
        return [*server._protocols.connections] if server._protocols else []

    def complaints(self, said: bytes) -> int:
        """Answers with a status of 400 and above."""
        return said.count(b"HTTP/1.1 4") + said.count(b"HTTP/1.0 4")


def request(draw: Random) -> bytes:
    """A whole request, of sizes and kinds that one meets."""
    body = draw.choice(BODIES)
    method = draw.choice(["POST", "POST", "POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
    head = [
        f"{method} {draw.choice(PATHS)} HTTP/1.{draw.choice('1110')}",
        "Host: x",
        f"Content-Length: {len(body)}",
        draw.choice(
            ["Content-Type: application/json", "Idempotency-Key: a", "Expect: 100-continue"]
        ),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


USE: dict[str, list[tuple[str, str, dict[str, object] | None]]] = {
    "llm": [
        ("POST", "/v1/completions", {"prompt": "p", "max_tokens": 4}),
        ("POST", "/v1/completions", {"prompt": "p", "max_tokens": 4, "stream": True}),
    ],
    "social": [
        ("POST", "/posts", {"text": "t", "account": "a"}),
        ("GET", "/posts/post-000001", None),
        ("GET", "/posts/post-000001/metrics", None),
    ],
    "ads": [
        (
            "POST",
            "/campaigns",
            {"name": "n", "budget_cents": 900, "daily_budget_cents": 90, "currency": "EUR"},
        ),
        ("PATCH", "/campaigns/campaign-000001", {"status": "paused"}),
        ("GET", "/campaigns/campaign-000001/spend", None),
    ],
    "cms": [
        ("POST", "/documents", {"title": "t", "body": "b"}),
        ("PUT", "/documents/document-000001", {"title": "t", "body": "c"}),
        ("GET", "/documents/document-000001", None),
    ],
}

REQUEST_LINES = [
    b"POST /v1/completions HTTP/1.1", b"POST /v1/completions HTTP/1.1", b"POST /posts HTTP/1.1",
    b"POST /v1/completions", b"POST", b"", b" POST / HTTP/1.1", b"P\x00ST / HTTP/1.1",
    b"POST / HTTP/9.9", b"POST / HTTP/1.x", b"PRI * HTTP/2.0", b"CONNECT x:1 HTTP/1.1",
    b"GET  /  HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET http://[::1 HTTP/1.1",
    b"\x16\x03\x01\x02\x00", b"GET /" + b"a" * 20_000 + b" HTTP/1.1",
]  # fmt: skip
HEADERS = [
    b"Host: x", b"Host: a\r\nHost: b", b"Content-Length: 5", b"Content-Length: -5",
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 99999999999999999999",
    b"Content-Length: +5", b"Content-Length: 5, 5", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"Transfer-Encoding: xchunked",
    b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Type: \xff",
    b"no colon", b": empty", b"a b: c", b"A: \x00", b"A:\r\n folded", b"A: " + b"b" * 9000,
    b"Expect: nothing", b"Upgrade: websocket\r\nConnection: upgrade", b"Connection: close, x",
    b"Idempotency-Key: \xc3\x28", b"If-Match: ,", b"Cookie: a=\xff",
]  # fmt: skip
CHUNKS = [
    b"5\r\nabcde\r\n0\r\n\r\n", b"x\r\n", b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"5\r\nabc",
    b"5;ext=\x00\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n", b"0\r\n", b"5\r\nabcdeXX0\r\n\r\n",
]  # fmt: skip
