"""Improvement 2, for every task and event there is: what is sent is what is read."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from types import UnionType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umt_sim.platform.agents.catalogue import CATALOGUE, EVENTS, TASKS
from umt_sim.platform.messages import EventMessage, MessageCodec, PayloadRegistry, TaskMessage

CODEC = MessageCodec(CATALOGUE)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
HEADER: dict[str, Any] = {"message_id": UUID(int=1), "sender_id": "test", "timestamp": MOMENT}
KINDS = sorted(TASKS.items())
TOLD = sorted(((event.event_type, event) for event in EVENTS), key=lambda pair: pair[0])


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that payloads are made of."""
    if dataclasses.is_dataclass(hint):
        return payloads(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (UnionType, typing.Union):
        return st.one_of(*(anything(part) for part in inner))
    if origin is tuple:
        return st.lists(anything(inner[0]), max_size=3).map(tuple)
    return _PLAIN[hint]


_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    UUID: st.uuids(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def payloads(kind: Any) -> st.SearchStrategy[Any]:
    """Any payload of one type."""
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{field.name: anything(hints[field.name]) for field in dataclasses.fields(kind)}
    )


@pytest.mark.parametrize(("task_type", "kind"), KINDS, ids=[name for name, _ in KINDS])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_payload_of_any_task_survives_the_wire(task_type: str, kind: Any, data: Any) -> None:
    """Bytes and back is the same task, whatever it asks for."""
    task = TaskMessage(**HEADER, task_type=task_type, payload=data.draw(payloads(kind)))
    assert task == CODEC.decode(CODEC.encode(task))


@pytest.mark.parametrize(("event_type", "kind"), TOLD, ids=[name for name, _ in TOLD])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_payload_of_any_event_survives_the_wire(event_type: str, kind: Any, data: Any) -> None:
    """Bytes and back is the same event, whatever happened."""
    event = EventMessage(
        **HEADER,
        event_type=event_type,
        payload=data.draw(payloads(kind)),
        source_timestamp=MOMENT,
        event_version=CATALOGUE.event_version(event_type),
    )
    assert event == CODEC.decode(CODEC.encode(event))


@pytest.mark.parametrize(("event_type", "kind"), TOLD, ids=[name for name, _ in TOLD])
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_event_is_read_from_every_older_form(event_type: str, kind: Any, data: Any) -> None:
    """Two made-up earlier versions, an envelope and another name, lead to today's payload."""
    name = dataclasses.fields(kind)[-1].name
    registry = PayloadRegistry()
    registry.register_event(event_type, kind, version=3)

    @registry.upcaster(event_type, from_version=1)
    def unwrapped(old: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(old["data"])

    @registry.upcaster(event_type, from_version=2)
    def renamed(old: Mapping[str, Any]) -> Mapping[str, Any]:
        fields = dict(old)
        fields[name] = fields.pop("former_name")
        return fields

    codec = MessageCodec(registry)
    payload = data.draw(payloads(kind))
    today = EventMessage(
        **HEADER, event_type=event_type, payload=payload, source_timestamp=MOMENT, event_version=3
    )
    message = json.loads(codec.encode(today))
    second = dict(message["payload"])
    second["former_name"] = second.pop(name)
    for version, fields in ((3, message["payload"]), (2, second), (1, {"data": second})):
        older = json.dumps({**message, "payload": fields, "event_version": version})
        assert payload == codec.decode(older.encode()).payload
