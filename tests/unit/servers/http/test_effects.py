"""What a request did, once or twice, and who gets to know: keys, failures, crashes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.unit.servers.http.setting import KEY, Setting, simulate
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import EffectRecord
from umt_sim.servers.http import ErrorMix


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
