"""Improvement 2: one message format, validated, versioned, and kept when it cannot be read."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.acme import ACME
from tests.fakes.stage import InWorld, Stage
from umt_sim.platform.agents.catalogue import CATALOGUE, EVENTS, TASKS
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.events import ContentCreated, ContentTested
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.errors import (
    ErrorClass,
    MalformedMessage,
    NotFound,
    UnknownPayload,
    UnsupportedVersion,
    told_of,
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


def factory(sender: str = "client", *, seed: int = 1) -> MessageFactory:
    return MessageFactory(sender, clock=Still(), randomness=Random(seed))


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


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=40)
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
moments = st.datetimes(timezones=st.just(UTC))
commands = st.builds(
    CreateContent,
    brand_id=st.uuids(),
    title=texts,
    content_type=texts,
    channel=texts,
    variations=st.integers(0, 25),
    topics=st.lists(texts, max_size=4).map(tuple),
    tone=st.text(characters, max_size=20),
)
tasks = st.builds(
    TaskMessage,
    message_id=st.uuids(),
    sender_id=texts,
    timestamp=moments,
    correlation_id=st.none() | st.uuids(),
    causation_id=st.none() | st.uuids(),
    reply_to=st.none() | keys,
    priority=st.integers(0, 9),
    expires_at=st.none() | moments,
    traceparent=st.none() | texts,
    task_type=st.just("create_content"),
    payload=commands,
    timeout_seconds=st.none() | st.floats(0.001, 1e6),
    retry_count=st.integers(0, 10),
    max_retries=st.integers(0, 10),
    idempotency_key=st.none() | keys,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(characters),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(characters), inner),
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
        ({"expires_at": "2026-01-01T00:00:00"}, "task.expires_at: Input should have timezone info"),
        ({"timeout_seconds": float("inf")}, "task.timeout_seconds: Input should be a finite"),
        ({"timeout_seconds": -1e-9}, "task.timeout_seconds: Input should be greater than 0"),
        ({"version": "\u0661.\u0660"}, "task.version: String should match pattern"),
        ({"version": "9" * 5000 + ".0"}, "task.version: String should have at most 20 characters"),
        ({"version": "1.0\n"}, "task.version: String should match pattern"),
        ({"reply_to": ""}, "task.reply_to: String should match pattern"),
        ({"reply_to": "\u00e9" * 128}, "task.reply_to: String should match pattern"),
        ({"reply_to": "q" * 256}, "task.reply_to: String should have at most 255 characters"),
        ({"idempotency_key": ""}, "task.idempotency_key: String should match pattern"),
        ({"idempotency_key": "a\r\nb: c"}, "task.idempotency_key: String should match pattern"),
        ({"idempotency_key": "\u043a\u043b\u044e\u0447"}, "task.idempotency_key: String should"),
        ({"idempotency_key": "k" * 201}, "task.idempotency_key: String should have at most 200"),
        ({"sender_id": "a\0b"}, "message: a text holds a NUL character"),
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


@pytest.mark.parametrize("slashes", ["", "\\", "\\\\"])
def test_the_escape_of_a_nul_may_itself_be_escaped(slashes: str) -> None:
    """A text that only talks about one, after any number of backslashes, is a text like others."""
    command = replace(COMMAND, title=f"{slashes}\\u0000")
    assert command == CODEC.decode(CODEC.encode(factory().task("create_content", command))).payload
    with pytest.raises(MalformedMessage, match="a text holds a NUL character"):
        CODEC.encode(factory().task("create_content", replace(COMMAND, title=f"{slashes}\0")))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_payload_has_no_number_that_json_has_not(number: str) -> None:
    """Read, it would be written as a null later on."""
    event = factory().event(ContentTested(UUID(int=2), "A", 0.25, 0.5))
    body = CODEC.encode(event).replace(b"0.25", number.encode())
    with pytest.raises(MalformedMessage, match=r"payload\.lift: Input should be a finite number"):
        CODEC.decode(body)


@pytest.mark.parametrize("repeated", ["priority", "version", "message_type"])
def test_of_a_field_said_twice_the_last_counts(repeated: str) -> None:
    """For every reader the same, so that no two of them see two messages in the same bytes."""
    said = {"priority": 9, "version": "1.7", "message_type": "heartbeat"}
    body = encoded()[:-1] + f', "{repeated}": {json.dumps(said[repeated])}}}'.encode()
    plain = json.dumps(json.loads(body)).encode()
    assert _outcome(plain) == _outcome(body) != _outcome(encoded())


def _outcome(body: bytes) -> Any:
    try:
        return CODEC.decode(body)
    except MalformedMessage as error:
        return error.problems


def test_a_thousand_problems_are_told_in_few_words() -> None:
    """A reason travels in a header, and AMQP has room for one frame of them."""
    with pytest.raises(MalformedMessage) as error:
        CODEC.decode(encoded(**{f"field {number}": 1 for number in range(1000)}))
    assert 1000 == len(error.value.problems)
    assert str(error.value).endswith("; and 990 more")
    assert len(str(error.value)) < 1000


def test_an_error_quotes_no_input_not_even_by_its_cause() -> None:
    """A traceback shows causes; what somebody put into a wrong field may be a password."""
    for changes in ({"priority": "hunter2"}, {"payload": {"brand_id": "hunter2"}}):
        with pytest.raises(MalformedMessage) as error:
            CODEC.decode(encoded(**changes))
        assert "hunter2" not in "".join(traceback.format_exception(error.value))


def test_what_is_told_of_an_error_is_one_short_line() -> None:
    """Line breaks would forge log records, and a quoted text can be as long as a message."""
    told = told_of(NotFound("channel", "x\n2026 ERROR forged\x1b[2J" + "y" * 5000))
    assert told.startswith("there is no channel x 2026 ERROR forged [2J")
    assert 1000 == len(told)
    assert "" == told_of(ZeroDivisionError("hunter2"))


def test_a_task_without_a_key_is_an_effect_of_its_own() -> None:
    """Two tasks of one conversation are two; one task stays one however far it is forwarded."""
    first, second = (
        factory(seed=seed).task("create_content", COMMAND, cause=factory().heartbeat())
        for seed in (2, 3)
    )
    assert first.correlation_id == second.correlation_id
    assert first.effect_key != second.effect_key
    passed_on = [factory(seed=seed).forward(first, COMMAND) for seed in (4, 5)]
    assert {first.effect_key} == {task.effect_key for task in passed_on}


def test_a_slow_clock_lengthens_no_deadline() -> None:
    """An hour behind the requester's clock, a task still gets no more than its timeout."""
    task = factory().task("create_content", COMMAND, timeout_seconds=30.0)
    assert 10.0 == task.seconds_left(NOW + timedelta(seconds=20))
    assert 30.0 == task.seconds_left(NOW - timedelta(hours=1))


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


def test_an_older_payload_that_is_none_is_malformed() -> None:
    """An upcaster gets what nobody has validated: what it stumbles over is the sender's fault."""
    registry = PayloadRegistry()
    registry.register_event("price.changed", PriceChanged, version=2)

    @registry.upcaster("price.changed", from_version=1)
    def renamed(old: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"cents": old["price"]}

    for payload in ({}, [], None):
        with pytest.raises(MalformedMessage, match=r"is no price\.changed from version 1: "):
            registry.read_event("price.changed", payload, 1)


def test_the_catalogue_holds_every_task_and_event() -> None:
    """What agents take and emit is registered, every name once."""
    assert tuple(TASKS) == CATALOGUE.task_types
    assert len(EVENTS) == len(CATALOGUE.event_types)


def test_a_request_has_one_correlation_on_every_message(in_world: InWorld) -> None:
    """Task, forwarded task, answer and both events carry the id of the first message."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            await asyncio.sleep(1)  # until that is announced
            stage.exporter.clear()
            await application.client.create_content(CreateContent(brand_id=brand, title="Hello"))
        published = [s for s in stage.finished_spans() if s.name.startswith("publish ")]
        assert 5 == len(published)
        assert 1 == len({s.attributes["messaging.message.conversation_id"] for s in published})
        assert 5 == len({s.attributes["messaging.message.id"] for s in published})

    in_world(play)
