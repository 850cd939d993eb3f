"""Which payload belongs to which task and event type, and how old ones are brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from umt_sim.platform.errors import MalformedMessage, UnknownPayload, UnsupportedVersion

__all__ = ["PayloadRegistry", "problems_of"]

Upcaster = Callable[[Mapping[str, Any]], Mapping[str, Any]]
U = TypeVar("U", bound=Upcaster)


@dataclass(frozen=True, slots=True)
class _Payload:
    read: Callable[[Any], Any]
    type: type
    version: int


class PayloadRegistry:
    """
    Payload types by task and event type. A type is a frozen dataclass of the context it is from.

    Upcasters turn the JSON object of version *n* into that of version *n + 1*; a
    chain of them brings any older payload to the registered version before it is
    validated.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, _Payload] = {}
        self._events: dict[str, _Payload] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}

    def register_task(self, task_type: str, payload: type) -> None:
        """Tasks of *task_type* carry a *payload*."""
        self._tasks[task_type] = _payload(payload, 1)

    def register_event(self, event_type: str, payload: type, *, version: int = 1) -> None:
        """Events of *event_type* carry a *payload*; older versions need upcasters."""
        self._events[event_type] = _payload(payload, version)

    def upcaster(self, event_type: str, *, from_version: int) -> Callable[[U], U]:
        """Register the decorated function for payloads of *event_type* in *from_version*."""

        def register(function: U) -> U:
            self._upcasters[event_type, from_version] = function
            return function

        return register

    @property
    def task_types(self) -> tuple[str, ...]:
        """Every registered task type, in the order of registration."""
        return tuple(self._tasks)

    @property
    def event_types(self) -> tuple[str, ...]:
        """Every registered event type, in the order of registration."""
        return tuple(self._events)

    def event_version(self, event_type: str) -> int:
        """The version in which *event_type* is published today."""
        return self._find("event", self._events, event_type).version

    def read_task(self, task_type: str, payload: Any) -> Any:
        """The typed payload of a task, validated."""
        return _validate(self._find("task", self._tasks, task_type), payload)

    def read_event(self, event_type: str, payload: Any, version: int) -> Any:
        """The typed payload of an event, brought up to date and validated."""
        entry = self._find("event", self._events, event_type)
        if version > entry.version:
            raise UnsupportedVersion(f"{event_type} {version}", f"{entry.version}")
        while version < entry.version:
            step = self._upcasters.get((event_type, version))
            if step is None:
                raise MalformedMessage([f"no upcaster for {event_type} from version {version}"])
            payload = _upcast(step, payload, f"{event_type} from version {version}")
            version += 1
        return _validate(entry, payload)

    @staticmethod
    def _find(kind: str, entries: Mapping[str, _Payload], name: str) -> _Payload:
        try:
            return entries[name]
        except KeyError:
            raise UnknownPayload(kind, name, entries) from None


def _payload(payload: type, version: int) -> _Payload:
    """How to read a *payload*. As JSON has no infinities, it has none."""
    strict = with_config(ConfigDict(allow_inf_nan=False))(payload)
    # The validator itself: its adapter adds a layer to every call.
    return _Payload(TypeAdapter(strict).validator.validate_python, payload, version)


def _upcast(step: Upcaster, payload: Any, what: str) -> Mapping[str, Any]:
    """What *step* makes of *payload*, which nobody has validated yet."""
    try:
        return step(payload)
    except Exception as error:  # noqa: BLE001 - whatever a payload that is none makes it do
        raise MalformedMessage([f"payload: is no {what}: {type(error).__name__}"]) from None


def _validate(entry: _Payload, payload: Any) -> Any:
    if type(payload) is entry.type:
        return payload
    try:
        return entry.read(payload)
    except ValidationError as error:
        raise MalformedMessage(problems_of(error, "payload")) from None  # it quotes the input


def problems_of(error: ValidationError, *place: str) -> list[str]:
    """Each thing wrong, as ``where: what``."""
    return [
        f"{'.'.join([*place, *map(str, problem['loc'])]) or 'message'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
