"""Improvement 2, the dark side: what must not come has one defined outcome, and is never lost."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID

import aio_pika
import pytest

from tests.fakes.acme import ACME
from tests.fakes.stage import InWorld, Stage
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.rabbitmq import DELIVERY_LIMIT
from umt_sim.platform.agents.addresses import DEAD_LETTERS, TASKS, task_key
from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.agents.handlers import takes
from umt_sim.platform.contexts.content.commands import (
    CreateContent,
    ScoreVariation,
    VariationCounts,
)
from umt_sim.platform.errors import InvariantViolated, OversizeMessage, RequestFailed
from umt_sim.platform.messages import MessageCodec, MessageFactory, TaskMessage
from umt_sim.platform.messages.codec import MAX_BYTES
from umt_sim.platform.resilience.breaker.events import CallFailed

CREATION = "content-creation-agent"
QUEUE = "umt.content-creation"
CODEC = MessageCodec(CATALOGUE)
COMMAND = CreateContent(brand_id=UUID(int=1), title="Hello")
SCORES = ScoreVariation(
    control=VariationCounts(label="A", impressions=10, conversions=1),
    challenger=VariationCounts(label="B", impressions=10, conversions=2),
)


@dataclass(frozen=True)
class Dead:
    """A dead letter."""

    body: bytes
    reason: str
    headers: Mapping[str, Any]


class Post:
    """Somebody at the broker who is no part of the platform: sends anything, sees everything."""

    def __init__(self, stage: Stage, channel: aio_pika.abc.AbstractChannel) -> None:
        self.stage = stage
        self.channel = channel
        self.messages = MessageFactory("stranger", clock=stage.clock, randomness=Random(1))

    async def send(self, body: bytes, *, seconds: float | None = None, key: str = "") -> None:
        """Send *body* to the content creation agent, to be dropped after *seconds*."""
        exchange = await self.channel.get_exchange(TASKS)
        await exchange.publish(
            aio_pika.Message(body, message_id="m1", expiration=seconds),
            routing_key=key or task_key("content-creation", "create_content"),
        )

    def task(
        self, payload: Any = COMMAND, name: str = "create_content", **more: Any
    ) -> TaskMessage:
        """A task in good order."""
        return self.messages.task(name, payload, **more)

    async def dead_letter(self) -> Dead:
        """The only dead letter there is, waited for."""
        queue = await self.channel.get_queue(DEAD_LETTERS)
        message = await _next(queue)
        assert await queue.get(fail=False) is None
        headers = dict(message.headers)
        return Dead(message.body, str(headers.get("x-reason", "")), headers)


@asynccontextmanager
async def post(stage: Stage) -> AsyncIterator[Post]:
    settings = stage.config.rabbitmq
    connection = await aio_pika.connect(
        host=settings.host, port=settings.port, login=settings.user, password=settings.password
    )
    async with connection, connection.channel() as channel:
        yield Post(stage, channel)


def only_creation(agent: type[ContentCreationAgent] = ContentCreationAgent) -> Any:
    return {CREATION: agent}


def changed(post: Post, **changes: Any) -> bytes:
    """A task's bytes with some of its fields changed."""
    return json.dumps({**json.loads(CODEC.encode(post.task())), **changes}).encode()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: b"\xff{", "MalformedMessage: malformed message: message: Invalid JSON"),
        (lambda _: b"[" * 50_000, "MalformedMessage: malformed message: message: Invalid JSON"),
        (lambda p: changed(p, priority=10), "MalformedMessage: malformed message: task.priority"),
        (
            lambda p: changed(p, payload={"brand_id": 5}),
            "MalformedMessage: malformed message: payload.brand_id",
        ),
        (lambda p: changed(p, message_type="gossip"), "MalformedMessage: malformed message: "),
        (lambda p: changed(p, task_type="dance"), "UnknownPayload: unknown task type 'dance'"),
        (lambda p: changed(p, version="2.0"), "UnsupportedVersion: version 2.0 cannot be read"),
        (lambda p: changed(p, version="0.9"), "UnsupportedVersion: version 0.9 cannot be read"),
        (
            lambda p: CODEC.encode(p.messages.heartbeat()),
            "UnknownPayload: unknown message type 'heartbeat'; known are task, event",
        ),
        (
            lambda p: changed(p, payload={"brand_id": str(UUID(int=1)), "title": "x" * MAX_BYTES}),
            "OversizeMessage: a message of ",
        ),
        (lambda p: CODEC.encode(p.task()).ljust(MAX_BYTES + 1), "OversizeMessage: a message of "),
        (lambda _: b"", "MalformedMessage: malformed message: message: Invalid JSON: EOF"),
        (
            lambda p: gzip.compress(CODEC.encode(p.task())),
            "MalformedMessage: malformed message: message: Invalid JSON",
        ),
        (
            lambda p: changed(p, **{f"field {number}": 1 for number in range(40_000)}),
            "MalformedMessage: malformed message: task.field 0: Extra inputs are not permitted",
        ),
        (
            lambda p: changed(p, **{"k" * 900_000: 1}),
            "MalformedMessage: malformed message: task.kkkkk",
        ),
    ],
    ids=[
        "no-json",
        "nested-too-deeply",
        "wrong-header",
        "wrong-payload",
        "unknown-message-type",
        "unknown-task-type",
        "newer-major-version",
        "older-major-version",
        "not-for-agents",
        "oversize",
        "oversize-by-a-byte",
        "empty",
        "compressed",
        "wrong-in-more-places-than-a-header-has-room-for",
        "a-name-longer-than-a-header",
    ],
)
def test_what_cannot_be_read_goes_to_the_dead_letters_with_its_reason(
    in_world: InWorld, spoil: Callable[[Post], bytes], reason: str
) -> None:
    """It arrives there whole, with the reason, who is to blame, and the queue it came from."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()), post(stage) as stranger:
            body = spoil(stranger)
            await stranger.send(body)
            dead = await stranger.dead_letter()
        assert body == dead.body
        assert dead.reason.startswith(reason), dead.reason
        assert ("client", QUEUE) == (dead.headers["x-error-class"], dead.headers["x-from-queue"])
        assert [] == stage.errors

    in_world(play)


def test_what_is_too_long_is_not_sent(in_world: InWorld) -> None:
    """The sender is told, with the size and the limit; the broker never sees it."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()) as application:
            with pytest.raises(OversizeMessage, match=f"at most {MAX_BYTES} are sent"):
                await application.client.create_content(
                    CreateContent(brand_id=UUID(int=1), title="x" * MAX_BYTES)
                )

    in_world(play)


class Verbose(ContentCreationAgent):
    """An agent whose answer is too long to be sent."""

    @takes("score_variation")
    async def score_variation(self, *_: Any) -> Any:
        """Go on and on."""
        return "x" * MAX_BYTES


def test_an_answer_that_is_too_long_is_an_error_for_who_waits(in_world: InWorld) -> None:
    """The request fails at once instead of going round for ever."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation(Verbose)) as application:
            with pytest.raises(RequestFailed, match="OversizeMessage"):
                await application.client.score_variation(SCORES)

    in_world(play)


def test_a_message_that_expires_in_its_queue_goes_to_the_dead_letters(in_world: InWorld) -> None:
    """Nobody took it in time: the broker puts it there and says so."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()):
            pass  # the queue stays, its agent does not
        async with post(stage) as stranger:
            body = CODEC.encode(stranger.task())
            await stranger.send(body, seconds=0.2)
            dead = await stranger.dead_letter()
        assert body == dead.body
        assert ("expired", QUEUE) == (_death(dead, "reason"), _death(dead, "queue"))

    in_world(play)


def test_a_message_that_comes_too_late_is_not_handled(in_world: InWorld) -> None:
    """Past its deadline nothing is begun; with nobody to answer it goes to the dead letters."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()), post(stage) as stranger:
            task = stranger.task(timeout_seconds=0.05)
            await asyncio.sleep(0.1)
            await stranger.send(CODEC.encode(task))
            dead = await stranger.dead_letter()
        assert dead.reason.startswith("DeadlineExceeded: ")
        assert [] == stage.servers["llm"].log.requests

    in_world(play)


class Broken(ContentCreationAgent):
    """An agent with a bug."""

    @takes("create_content")
    async def create_content(self, *_: Any) -> Any:
        """Divide by nothing, with a secret in hand."""
        raise ZeroDivisionError("hunter2")


def test_a_message_that_meets_a_bug_is_tried_once(in_world: InWorld) -> None:
    """The bug is reported with its place; the message waits among the dead, to be sent again."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation(Broken)), post(stage) as stranger:
            await stranger.send(CODEC.encode(stranger.task()))
            dead = await stranger.dead_letter()
        ((where, error),) = stage.errors
        assert (f"{CREATION} handling create_content", "hunter2") == (where, str(error))
        assert ("fatal", QUEUE) == (dead.headers["x-error-class"], dead.headers["x-from-queue"])
        assert "ZeroDivisionError" == dead.reason  # its text may quote what it should not

    in_world(play)


def test_a_message_that_ends_whoever_takes_it_goes_to_the_dead_letters(in_world: InWorld) -> None:
    """After twenty deliveries without an answer the broker gives it to nobody any more."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()):
            pass
        async with post(stage) as stranger:
            await stranger.send(b"poison")
            for _ in range(DELIVERY_LIMIT + 1):
                async with post(stage) as victim:
                    queue = await victim.channel.get_queue(QUEUE)
                    assert await queue.get(fail=False) is not None
            dead = await stranger.dead_letter()
        assert b"poison" == dead.body
        assert "delivery_limit" == _death(dead, "reason")

    in_world(play)


def test_a_replayed_idempotency_key_is_answered_and_changes_nothing(in_world: InWorld) -> None:
    """The second task, even with other contents, gets the first one's answer."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application, post(stage) as stranger:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            answers = await stranger.channel.declare_queue("answers", exclusive=True)
            statuses, results = [], []
            for title in ("First", "Second"):
                task = stranger.task(
                    CreateContent(brand_id=brand, title=title),
                    reply_to="answers",
                    idempotency_key="once",
                )
                await stranger.send(CODEC.encode(task))
                answer = CODEC.decode((await _next(answers)).body)
                assert task.correlation_id == answer.correlation_id
                statuses.append(answer.status.value)
                results.append(answer.result)
        assert ["completed", "duplicate"] == statuses
        assert results[0] == results[1]
        assert ["First"] == await _titles(stage)

    in_world(play)


def test_a_task_whose_requester_is_gone_is_not_lost(in_world: InWorld) -> None:
    """It failed, and its mailbox is away: the dead letters get it, and no breaker hears of it."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation()), post(stage) as stranger:
            command = replace(COMMAND, variations=99)
            await stranger.send(CODEC.encode(stranger.task(command, reply_to="nobody's")))
            dead = await stranger.dead_letter()
        assert "InvariantViolated: 99 variations; ask for 0 to 25" == dead.reason
        assert not [event for event in stage.events if isinstance(event, CallFailed)]

    in_world(play)


class Fussy(ContentCreationAgent):
    """An agent that quotes what it does not like."""

    @takes("score_variation")
    async def score_variation(self, *_: Any) -> Any:
        """Refuse at length."""
        raise InvariantViolated("there is no channel " + ascii("\ue000" * 300_000))


def test_an_error_that_would_quote_a_whole_message_is_cut(in_world: InWorld) -> None:
    """Escaped, the quotation is longer than a message may be; who waits is answered still."""

    async def play(stage: Stage) -> None:
        async with stage.application(agents=only_creation(Fussy)) as application:
            with pytest.raises(RequestFailed, match="there is no channel") as refusal:
                await application.client.score_variation(SCORES)
        assert len(str(refusal.value)) < 1100

    in_world(play)


def test_two_tasks_of_one_conversation_are_two(in_world: InWorld) -> None:
    """Without keys, and even without a correlation id, neither is taken for the other."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application, post(stage) as stranger:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            answers = await stranger.channel.declare_queue("answers", exclusive=True)
            statuses = []
            for title in ("First", "Second"):
                task = stranger.task(CreateContent(brand_id=brand, title=title), reply_to="answers")
                fields = json.loads(CODEC.encode(task))
                del fields["correlation_id"]
                await stranger.send(json.dumps(fields).encode())
                statuses.append(CODEC.decode((await _next(answers)).body).status.value)
        assert ["completed", "completed"] == statuses
        assert {"First", "Second"} == set(await _titles(stage))

    in_world(play)


async def _next(queue: Any) -> Any:
    async with queue.iterator(no_ack=True, timeout=20) as messages:
        async for message in messages:
            return message
    raise AssertionError("no message came")


async def _titles(stage: Stage) -> list[str]:
    database = PostgresDatabase(stage.config)
    rows = await database.query("SELECT title FROM contents")
    await database.close()
    return [str(row["title"]) for row in rows]


def _death(dead: Dead, field: str) -> str:
    """What the broker itself wrote about its first death."""
    value = dead.headers["x-death"][0][field]
    return value.decode() if isinstance(value, bytes) else str(value)
