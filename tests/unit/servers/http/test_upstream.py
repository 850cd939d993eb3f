"""The upstream server in virtual time: limits, errors, duplicates, streams, restarts."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx
import pytest

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import EffectRecord
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station
from umt_sim.servers.http import APPLICATIONS, ErrorMix, HttpUpstream, RateLimit
from umt_sim.servers.pacing import Paced

Body = Callable[["Setting"], Awaitable[None]]
KEY = {"Idempotency-Key": "one"}


class Setting:
    """An upstream in a simulation, and a client for it."""

    def __init__(self, kernel: Kernel, server: HttpUpstream) -> None:
        self.loop = kernel.loop
        self.server = server
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=None)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.loop.time()

    async def post(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """POST a JSON object."""
        return await self.http.post(path, json=body, headers=headers)


def simulate(
    body: Body,
    application: str = "social",
    *,
    workers: int = 1,
    seconds: float = 0.1,
    queue_limit: int | None = None,
    **settings: Any,
) -> None:
    """Run *body* with an upstream whose workers take *seconds* for each request."""
    with Kernel(seed=1) as kernel:
        Network(kernel)
        capacity = Station(
            kernel.env,
            name=application,
            workers=workers,
            default=Constant(seconds),
            service={"token": Constant(0.01)},
            queue_limit=queue_limit,
            stream=Random(1),
            recorder=Recorder(kernel.loop.time),
        )

        async def main() -> None:
            server = HttpUpstream(
                application=APPLICATIONS[application](Random(7)),
                capacity=capacity,
                stream=Random("errors"),
                **settings,
            )
            await server.start("127.0.0.1", 0)
            setting = Setting(kernel, server)
            async with setting.http:
                await body(setting)
            await server.stop()

        kernel.run(main())


def test_a_request_takes_its_service_time() -> None:
    """One worker: the second of two requests waits for the first."""

    async def body(at: Setting) -> None:
        async def timed() -> float:
            assert 201 == (await at.post("/posts", text="hello")).status_code
            return at.now

        assert (0.1, 0.2) == tuple(await asyncio.gather(timed(), timed()))

    simulate(body)


def test_a_full_service_says_so() -> None:
    """No room to wait: 503 at once, with a time to come back."""

    async def body(at: Setting) -> None:
        first = asyncio.create_task(at.post("/posts", text="hello"))
        await asyncio.sleep(0.05)
        refused = await at.post("/posts", text="hello")
        assert (503, "1", 0.05) == (refused.status_code, refused.headers["Retry-After"], at.now)
        assert 201 == (await first).status_code

    simulate(body, queue_limit=0)


def test_what_comes_too_fast_is_refused_until_there_is_a_token() -> None:
    """Two in ten seconds: the third learns how long to wait, and then passes."""

    async def body(at: Setting) -> None:
        statuses = [(await at.post("/posts", text="hello")).status_code for _ in range(2)]
        refused = await at.post("/posts", text="hello")
        assert [201, 201, 429] == [*statuses, refused.status_code]
        assert "5" == refused.headers["Retry-After"]
        await asyncio.sleep(5)
        assert 201 == (await at.post("/posts", text="hello")).status_code

    simulate(body, rate_limit=RateLimit(requests=2, seconds=10))


def test_errors_come_in_the_stated_shares() -> None:
    """Of 1000 requests some 20 % are refused and some 10 % fail."""

    async def body(at: Setting) -> None:
        for _ in range(1000):
            await at.http.get("/posts/none")
        shares = {status: count / 1000 for status, count in at.server.log.statuses().items()}
        assert {404, 429, 500} == set(shares)
        assert shares[429] == pytest.approx(0.2, abs=0.04)
        assert shares[500] == pytest.approx(0.1, abs=0.03)

    simulate(body, errors=ErrorMix({429: 0.2, 500: 0.1}))


def test_a_refusal_is_quick_and_a_failure_takes_its_time() -> None:
    """429 costs nothing; 500 is answered when the service is over."""

    async def refused(at: Setting) -> None:
        answer = await at.post("/posts", text="hello")
        assert (429, 0.0, "1") == (answer.status_code, at.now, answer.headers["Retry-After"])

    async def failed(at: Setting) -> None:
        answer = await at.post("/posts", text="hello")
        assert (500, 0.1) == (answer.status_code, at.now)
        assert [] == at.server.log.effects

    simulate(refused, errors=ErrorMix({429: 1.0}))
    simulate(failed, errors=ErrorMix({500: 1.0}))


def test_a_failure_may_have_taken_effect() -> None:
    """Then a retry with the same key gets the answer, and nothing happens twice."""

    async def body(at: Setting) -> None:
        statuses = [(await at.post("/posts", KEY, text="hello")).status_code for _ in range(20)]
        assert {201, 502} == set(statuses)
        assert 502 == statuses[0]
        assert {"one": 1} == dict(at.server.log.effects_by_key())

    simulate(body, errors=ErrorMix({502: 0.5}, effective=1.0))


def test_a_key_is_honoured() -> None:
    """The second request gets the first one's answer and is marked in the log."""

    async def body(at: Setting) -> None:
        first, second = [await at.post("/posts", KEY, text="hello") for _ in range(2)]
        assert (201, first.json()) == (second.status_code, second.json())
        assert {} == at.server.log.duplicates()
        assert [False, True] == [request.replayed for request in at.server.log.requests]

    simulate(body)


def test_two_requests_at_once_with_one_key_take_effect_once() -> None:
    """Even if the second arrives before the first is answered."""

    async def body(at: Setting) -> None:
        await asyncio.gather(*(at.post("/posts", KEY, text="hello") for _ in range(5)))
        assert {"one": 1} == dict(at.server.log.effects_by_key())

    simulate(body, workers=5)


def test_a_key_that_is_not_honoured_proves_the_duplicate() -> None:
    """The log counts both effects."""

    async def body(at: Setting) -> None:
        for _ in range(2):
            await at.post("/posts", KEY, text="hello")
        assert {"one": 2} == at.server.log.duplicates()

    simulate(body, honours_idempotency=False)


def test_the_journal_gets_every_effect_under_its_key() -> None:
    """A key that is honoured takes effect once; one request without a key is not another."""
    recorder = Recorder(lambda: 0.0)

    async def body(at: Setting) -> None:
        for _ in range(2):
            await at.post("/posts", KEY, text="hello")
        for text in ("one", "two", "two"):
            await at.post("/posts", text=text)
        await at.http.get("/posts/post-000001")

    simulate(body, recorder=recorder)
    honoured, one, two, again = recorder.so_far(EffectRecord)
    assert ("social.publish", "one") == (honoured.kind, honoured.key)
    assert two == again != one


def test_changing_a_campaign_is_no_effect_that_must_be_single() -> None:
    """A PATCH may be repeated; the POST before it may not."""
    recorder = Recorder(lambda: 0.0)

    async def body(at: Setting) -> None:
        await at.post("/campaigns", KEY, name="Spring", budget_cents=100)
        for _ in range(2):
            await at.http.patch("/campaigns/campaign-000001", json={"status": "paused"})

    simulate(body, application="ads", recorder=recorder)
    assert [EffectRecord(0.0, "ads.launch", "one")] == recorder.so_far(EffectRecord)


def test_a_key_stands_for_one_request_only() -> None:
    """Another body with the same key is refused."""

    async def body(at: Setting) -> None:
        await at.post("/posts", KEY, text="hello")
        assert 422 == (await at.post("/posts", KEY, text="other")).status_code

    simulate(body)


def test_a_client_that_gives_up_may_still_have_done_it() -> None:
    """The request had arrived: it takes effect."""

    async def body(at: Setting) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await at.http.post("/posts", json={"text": "hello"}, timeout=0.05)
        await asyncio.sleep(1)
        assert [0.1] == [effect.at for effect in at.server.log.effects]

    simulate(body)


def test_a_crash_breaks_what_was_under_way() -> None:
    """Nothing is said and nothing awaited; what was there before is there again."""

    async def body(at: Setting) -> None:
        await at.post("/posts", text="kept")
        lost = asyncio.create_task(at.post("/posts", text="lost"))
        await asyncio.sleep(0.05)
        port = at.server.port
        at.server.crash()
        with pytest.raises(httpx.RemoteProtocolError):
            await lost
        await at.server.start("127.0.0.1", port)
        assert 200 == (await at.http.get("/posts/post-000001")).status_code
        assert 404 == (await at.http.get("/posts/post-000002")).status_code

    simulate(body)


def test_a_restart_breaks_what_was_under_way() -> None:
    """No answer, no effect; afterwards the same port and the same posts."""

    async def body(at: Setting) -> None:
        await at.post("/posts", text="kept")
        lost = asyncio.create_task(at.post("/posts", text="lost"))
        await asyncio.sleep(0.05)
        restart = asyncio.create_task(at.server.restart(down_for=1))
        with pytest.raises(httpx.RemoteProtocolError):
            await lost
        await asyncio.sleep(0.5)
        with pytest.raises(httpx.ConnectError):
            await at.http.get("/posts/post-000001")
        await restart
        assert 200 == (await at.http.get("/posts/post-000001")).status_code
        assert 404 == (await at.http.get("/posts/post-000002")).status_code

    simulate(body)


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


@pytest.mark.parametrize("sent", [gzip.compress(b'{"text": "hello"}'), b"no gzip at all"])
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ErrorMix({200: 0.1}), "400 to 599, got 200"),
        (lambda: ErrorMix({500: 1.5}), "share of 500"),
        (lambda: ErrorMix({500: 0.6, 502: 0.6}), "more than 1"),
        (lambda: ErrorMix({500: 0.6}, effective=2), "effective share"),
        (lambda: RateLimit(requests=0, seconds=1), "allowed requests"),
    ],
)
def test_impossible_trouble_is_refused(make: Callable[[], object], message: str) -> None:
    """A ValueError names the number."""
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)


def test_every_request_takes_one_number_for_its_errors() -> None:
    """Whether or not an error comes of it: the n-th request meets the same luck."""
    drawn, plain = Random(4), Random(4)
    mix = ErrorMix({429: 0.3, 500: 0.3}, effective=0.5)
    for _ in range(100):
        mix.draw(drawn)
        plain.random()
    assert plain.random() == drawn.random()


def test_the_same_server_answers_on_a_stock_loop() -> None:
    """Unchanged: real sockets, real time."""

    async def main() -> int:
        server = HttpUpstream(
            application=APPLICATIONS["cms"](Random(1)),
            capacity=Paced(name="cms", workers=1, default=Constant(0.001), stream=Random(1)),
            stream=Random(1),
        )
        await server.start("127.0.0.1", 0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
            answer = await http.post("/documents", json={"title": "x"})
        await server.stop()
        return answer.status_code

    assert 201 == asyncio.run(main())
