"""What a request waits for, what is refused, and errors by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import httpx
import pytest

from tests.unit.servers.http.setting import Setting, simulate
from umt_sim.distributions import Constant
from umt_sim.servers.http import APPLICATIONS, ErrorMix, HttpUpstream, RateLimit
from umt_sim.servers.pacing import Paced


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
