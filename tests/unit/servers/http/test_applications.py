"""The services themselves: drafts, posts, campaigns, documents, and what they refuse."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx
import pytest

from tests.unit.servers.http.setting import Setting, simulate


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "message"),
    [
        ("GET", "/nowhere", b"", 404, "there is no /nowhere"),
        ("DELETE", "/posts", b"", 405, "/posts takes POST"),
        ("POST", "/posts", b"{", 400, "the body is not JSON"),
        ("POST", "/posts", b"[]", 400, "the body must be a JSON object"),
        ("POST", "/posts", b"[" * 100_000, 400, "the body is "),
        ("POST", "/posts", b"{}", 422, "text must be a text"),
        ("POST", "/posts", b'{"text": 7}', 422, "text must be a text"),
        ("GET", "/posts/none", b"", 404, "there is no post none"),
    ],
)
def test_what_makes_no_sense_is_refused(
    method: str, path: str, content: bytes, status: int, message: str
) -> None:
    """With the status of its kind and a sentence."""

    async def body(at: Setting) -> None:
        answer = await at.http.request(method, path, content=content)
        assert status == answer.status_code
        assert answer.json()["error"].startswith(message)

    simulate(body)


@pytest.mark.parametrize(
    "sent", [gzip.compress(b'{"text": "hello"}'), b"no gzip at all"], ids=["gzip", "not gzip"]
)
def test_a_compressed_body_is_refused(sent: bytes) -> None:
    """415 whether it could be unpacked or not, and the connection goes on."""

    async def body(at: Setting) -> None:
        headers = {"Content-Encoding": "gzip"}
        answer = await at.http.post("/posts", content=sent, headers=headers)
        assert 415 == answer.status_code
        assert "identity" == answer.headers["Accept-Encoding"]
        assert 201 == (await at.post("/posts", text="hello", account="a")).status_code

    simulate(body)


def test_drafts_depend_on_the_prompt_and_the_seed_alone() -> None:
    """The same prompt gets the same draft, whatever was asked before."""

    async def body(at: Setting) -> None:
        async def draft(prompt: str) -> str:
            answer = await at.post("/v1/completions", prompt=prompt, max_tokens=30)
            text: str = answer.json()["choices"][0]["text"]
            assert len(text.split()) == answer.json()["usage"]["completion_tokens"] <= 30
            return text

        first = await draft("Announce waterproof running jackets")
        assert first != await draft("Announce something else entirely")
        assert first == await draft("Announce waterproof running jackets")

    simulate(body, "llm")


def test_tokens_of_a_stream_arrive_one_by_one() -> None:
    """The first after the prompt is read, each other 10 ms later; together they are the text."""

    async def body(at: Setting) -> None:
        ask: dict[str, Any] = {"prompt": "Announce waterproof jackets", "max_tokens": 4}
        whole = (await at.post("/v1/completions", **ask)).json()["choices"][0]["text"]
        times, parts = [], []
        asked = at.now
        async with at.http.stream(
            "POST", "/v1/completions", json={**ask, "stream": True}
        ) as answer:
            assert "text/event-stream" == answer.headers["Content-Type"]
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    times.append(round(at.now - asked, 9))
                    parts.append(json.loads(line[6:])["choices"][0]["text"])
        assert [0.11, 0.12, 0.13, 0.14] == times
        assert whole == "".join(parts)

    simulate(body, "llm")


def test_a_stream_that_is_cut_ends_in_an_error() -> None:
    """A restart in the midst of it breaks the connection."""

    async def body(at: Setting) -> None:
        ask = {"prompt": "Announce waterproof jackets", "max_tokens": 40, "stream": True}

        async def listen() -> None:
            async with at.http.stream("POST", "/v1/completions", json=ask) as answer:
                async for _ in answer.aiter_lines():
                    await at.server.restart()

        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await listen()

    simulate(body, "llm")


@pytest.mark.parametrize("tokens", [0, 5000, "many"])
def test_the_length_of_a_draft_has_limits(tokens: object) -> None:
    """Anything but a whole number from 1 to 4096 is refused."""

    async def body(at: Setting) -> None:
        answer = await at.post("/v1/completions", prompt="hello", max_tokens=tokens)
        assert 422 == answer.status_code

    simulate(body, "llm")


def test_posts_are_seen_more_as_they_age() -> None:
    """Impressions grow towards the post's reach; half of it after six hours."""

    async def body(at: Setting) -> None:
        created = (await at.post("/posts", text="hello", account="acme")).json()
        assert ("post-000001", "acme") == (created["id"], created["account"])

        async def impressions() -> int:
            return int((await at.http.get("/posts/post-000001/metrics")).json()["impressions"])

        await asyncio.sleep(6 * 3600 - 0.1)
        half = await impressions()
        await asyncio.sleep(1_000_000)
        assert await impressions() == pytest.approx(2 * half, abs=2)

    simulate(body)


def test_campaigns_spend_evenly_and_never_beyond_their_budget() -> None:
    """Half a daily budget in half a day; nothing while paused; the budget at the end."""

    async def body(at: Setting) -> None:
        answer = await at.post(
            "/campaigns", name="spring", budget_cents=1000, daily_budget_cents=400
        )
        assert 201 == answer.status_code

        async def spent() -> int:
            return int(
                (await at.http.get("/campaigns/campaign-000001/spend")).json()["spent_cents"]
            )

        await asyncio.sleep(43_200)
        assert 200 == await spent()
        await at.http.patch("/campaigns/campaign-000001", json={"status": "paused"})
        await asyncio.sleep(43_200)
        assert 200 == await spent()
        await at.http.patch("/campaigns/campaign-000001", json={"status": "active"})
        await asyncio.sleep(10 * 86_400)
        assert 1000 == await spent()

    simulate(body, "ads", seconds=0.0)


@pytest.mark.parametrize("budget", [0, -5, 1.5, True, "much", None])
def test_a_budget_is_a_whole_number_of_cents(budget: object) -> None:
    """Anything else is refused, and no campaign begins."""

    async def body(at: Setting) -> None:
        assert 422 == (await at.post("/campaigns", name="x", budget_cents=budget)).status_code
        assert [] == at.server.log.effects

    simulate(body, "ads")


def test_documents_have_versions() -> None:
    """PUT makes the next; with If-Match only if nobody was faster."""

    async def body(at: Setting) -> None:
        created = await at.post("/documents", title="Draft", body="one")
        assert ('"1"', 201) == (created.headers["ETag"], created.status_code)
        where = created.headers["Location"]
        matched = {"If-Match": '"1"'}
        first = await at.http.put(where, json={"title": "Draft", "body": "two"}, headers=matched)
        second = await at.http.put(where, json={"title": "Draft", "body": "three"}, headers=matched)
        assert (200, 412) == (first.status_code, second.status_code)
        found = (await at.http.get(where)).json()
        assert ("two", 2) == (found["body"], found["version"])
        resources = [effect.resource for effect in at.server.log.effects]
        assert ["document-000001@1", "document-000001@2"] == resources

    simulate(body, "cms")
