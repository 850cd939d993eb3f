"""Improvement 2: one message format, validated, versioned, and kept when it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.stage import ACME, InWorld, Stage
from umt_sim.platform.agents.catalogue import CATALOGUE, EVENTS, TASKS
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.events import ContentCreated
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.errors import (
    ErrorClass,
    MalformedMessage,
    NotFound,
    UnknownPayload,
    UnsupportedVersion,
)
from umt_sim.platform.messages import (
    ErrorMessage,
    EventMessage,
    HeartbeatMessage,
    Message,
    MessageCodec,
    MessageFactory,
    MessageType,
    PayloadRegistry,
    ResponseMessage,
    SystemMessage,
    TaskMessage,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COMMAND = CreateContent(brand_id=UUID(int=1), title="Hello", topics=("a", "b"))
CODEC = MessageCodec(CATALOGUE)


class Still:
    """A clock that stands still."""

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


def factory(sender: str = "client") -> MessageFactory:
    return MessageFactory(sender, clock=Still(), randomness=Random(1))


def test_the_first_message_of_a_conversation_correlates_with_itself() -> None:
    """Correlation begins with the request; it was caused by nothing."""
    task = factory().task("create_content", COMMAND)
    assert task.message_id == task.correlation_id
    assert task.causation_id is None
    assert MessageType.TASK is task.message_type
    assert NOW == task.timestamp
    assert "1.0" == task.version


def test_replies_keep_correlation_and_name_their_cause() -> None:
    """Answers, events and forwarded tasks belong to the conversation of the request."""
    task = factory().task("create_content", COMMAND, reply_to="answers", timeout_seconds=2)
    agent = factory("agent")
    event = ContentCreated(UUID(int=2), UUID(int=1), "Hello", "site")
    for message in (
        agent.response(task, {}),
        agent.error(task, NotFound("brand", 1)),
        agent.event(event, cause=task),
        agent.forward(task, COMMAND),
    ):
        assert task.correlation_id == message.correlation_id
        assert task.message_id == message.causation_id
        assert "agent" == message.sender_id


def test_a_forwarded_task_keeps_its_deadline_and_its_requester() -> None:
    """The next agent has no more time than the first, and answers to the same mailbox."""
    task = factory().task(
        "create_content", COMMAND, reply_to="answers", timeout_seconds=2, idempotency_key="k"
    )
    onward = factory("agent").forward(task, replace(COMMAND, tone="warm"))
    assert NOW + timedelta(seconds=2) == onward.expires_at == task.expires_at
    assert ("answers", "k") == (onward.reply_to, onward.idempotency_key)
    assert "warm" == onward.payload.tone
    assert 1.5 == onward.seconds_left(NOW + timedelta(seconds=0.5))


def test_an_error_says_its_class_and_hides_what_was_not_foreseen() -> None:
    """A known error is quoted; the text of an unknown one stays where it happened."""
    task = factory().task("create_content", COMMAND)
    known = factory().error(task, NotFound("brand", 1))
    unknown = factory().error(task, ZeroDivisionError("password=hunter2"))
    assert ("NotFound", ErrorClass.CLIENT, "there is no brand 1") == (
        known.error_type,
        known.error_class,
        known.message,
    )
    assert (ErrorClass.FATAL, "internal error") == (unknown.error_class, unknown.message)


def every_message() -> list[Message]:
    make = factory()
    task = make.task("create_content", COMMAND, reply_to="q", timeout_seconds=1, priority=9)
    return [
        task,
        make.event(ContentCreated(UUID(int=2), UUID(int=1), "Hello", "site")),
        make.response(task, {"content_id": "1", "nothing": None}, duration=0.25),
        make.error(task, NotFound("brand", 1)),
        make.heartbeat(in_flight=3),
        make.system("drain", {"seconds": 5}),
    ]


@pytest.mark.parametrize("message", every_message(), ids=lambda m: str(m.message_type))
def test_every_type_survives_the_wire(message: Message) -> None:
    """Bytes and back is the same message, payload types included."""
    assert message == CODEC.decode(CODEC.encode(message))


def test_the_six_types_are_told_apart() -> None:
    """Each message comes back as an object of its own class."""
    decoded = [type(CODEC.decode(CODEC.encode(message))) for message in every_message()]
    assert [
        TaskMessage,
        EventMessage,
        ResponseMessage,
        ErrorMessage,
        HeartbeatMessage,
        SystemMessage,
    ] == decoded


texts = st.text(min_size=1, max_size=40)
moments = st.datetimes(timezones=st.just(UTC))
commands = st.builds(
    CreateContent,
    brand_id=st.uuids(),
    title=texts,
    content_type=texts,
    channel=texts,
    variations=st.integers(0, 25),
    topics=st.lists(texts, max_size=4).map(tuple),
    tone=st.text(max_size=20),
)
tasks = st.builds(
    TaskMessage,
    message_id=st.uuids(),
    sender_id=texts,
    timestamp=moments,
    correlation_id=st.none() | st.uuids(),
    causation_id=st.none() | st.uuids(),
    reply_to=st.none() | texts,
    priority=st.integers(0, 9),
    expires_at=st.none() | moments,
    traceparent=st.none() | texts,
    task_type=st.just("create_content"),
    payload=commands,
    timeout_seconds=st.none() | st.floats(0.001, 1e6),
    retry_count=st.integers(0, 10),
    max_retries=st.integers(0, 10),
    idempotency_key=st.none() | texts,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(tasks)
def test_any_task_survives_the_wire(task: TaskMessage) -> None:
    """Whatever a task holds, decoding what was encoded gives it back."""
    assert task == CODEC.decode(CODEC.encode(task))


@given(json_values)
def test_any_result_survives_the_wire(result: Any) -> None:
    """A result is any JSON value; none of it is lost, not even a null."""
    response = factory().response(factory().task("create_content", COMMAND), result)
    assert response == CODEC.decode(CODEC.encode(response))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_precise_error(body: bytes) -> None:
    """Nothing but a MalformedMessage comes of bytes that are no message."""
    with pytest.raises(MalformedMessage, match="malformed message: "):
        CODEC.decode(body)


def encoded(**changes: Any) -> bytes:
    fields = json.loads(CODEC.encode(factory().task("create_content", COMMAND)))
    return json.dumps({**fields, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"priority": 10}, "task.priority: Input should be less than or equal to 9"),
        ({"message_id": "5"}, "task.message_id: Input should be a valid UUID"),
        ({"timestamp": "2026-01-01T00:00:00"}, "task.timestamp: Input should have timezone info"),
        ({"correlation": None}, "task.correlation: Extra inputs are not permitted"),
        ({"payload": {"title": "x"}}, "payload.brand_id: Field required"),
        (
            {"message_type": "gossip"},
            "Input tag 'gossip' found using 'message_type' does not match",
        ),
    ],
)
def test_what_is_wrong_is_said_by_field(changes: dict[str, Any], problem: str) -> None:
    """Each problem names its place and what should be there."""
    with pytest.raises(MalformedMessage) as error:
        CODEC.decode(encoded(**changes))
    assert any(problem in said for said in error.value.problems), error.value.problems


def test_every_problem_is_said_at_once() -> None:
    """Two wrong fields are two problems, not the first of them."""
    with pytest.raises(MalformedMessage) as error:
        CODEC.decode(encoded(priority=10, retry_count=-1))
    assert 2 == len(error.value.problems)


def test_a_newer_minor_version_may_say_more() -> None:
    """Fields that a newer minor version added are left out; the rest is read."""
    decoded = CODEC.decode(encoded(version="1.7", urgency="high"))
    assert "1.7" == decoded.version
    assert not hasattr(decoded, "urgency")


def test_a_newer_major_version_is_refused() -> None:
    """A format we do not know is not guessed at."""
    with pytest.raises(UnsupportedVersion, match=r"version 2\.0 cannot be read"):
        CODEC.decode(encoded(version="2.0", urgency="high"))


def test_an_unregistered_task_names_the_known_ones() -> None:
    """A task type nobody registered is an error that helps."""
    with pytest.raises(UnknownPayload, match="unknown task type 'dance'; known are onboard_brand"):
        CODEC.decode(encoded(task_type="dance"))


@dataclass(frozen=True)
class PriceChanged(DomainEvent):
    event_type: ClassVar[str] = "price.changed"
    cents: int
    currency: str


def test_upcasters_bring_old_payloads_up_to_date() -> None:
    """Version 1 and 2 of a payload are read as version 3, step by step."""
    registry = PayloadRegistry()
    registry.register_event("price.changed", PriceChanged, version=3)

    @registry.upcaster("price.changed", from_version=1)
    def in_cents(old: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"cents": round(old["euros"] * 100)}

    @registry.upcaster("price.changed", from_version=2)
    def with_currency(old: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**old, "currency": "EUR"}

    assert PriceChanged(150, "EUR") == registry.read_event("price.changed", {"euros": 1.5}, 1)
    assert PriceChanged(150, "EUR") == registry.read_event("price.changed", {"cents": 150}, 2)
    with pytest.raises(UnsupportedVersion, match=r"price\.changed 4 cannot be read"):
        registry.read_event("price.changed", {}, 4)


def test_a_missing_upcaster_is_named() -> None:
    """A gap in the chain is an error, not a wrong payload."""
    registry = PayloadRegistry()
    registry.register_event("price.changed", PriceChanged, version=2)
    with pytest.raises(MalformedMessage, match=r"no upcaster for price\.changed from version 1"):
        registry.read_event("price.changed", {}, 1)


def test_the_catalogue_holds_every_task_and_event() -> None:
    """What agents take and emit is registered, every name once."""
    assert tuple(TASKS) == CATALOGUE.task_types
    assert len(EVENTS) == len(CATALOGUE.event_types)


def test_a_request_has_one_correlation_on_every_message(in_world: InWorld) -> None:
    """Task, forwarded task, answer and both events carry the id of the first message."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            stage.exporter.clear()
            await application.client.create_content(CreateContent(brand_id=brand, title="Hello"))
        published = [s for s in stage.finished_spans() if s.name.startswith("publish ")]
        assert 5 == len(published)
        assert 1 == len({s.attributes["messaging.message.conversation_id"] for s in published})
        assert 5 == len({s.attributes["messaging.message.id"] for s in published})

    in_world(play)
