"""What an upstream application is, apart from HTTP: routes, calls and answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Answer", "Application", "Call", "Refusal", "Route", "route"]


@dataclass(frozen=True, slots=True)
class Call:
    """
    A request that found its route.

    Attributes:
        parameters: The named parts of the path.
        body: The decoded JSON object; empty if there was none.
        headers: Looked up without regard to case.
        now: Seconds of the run.
    """

    parameters: Mapping[str, str]
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    now: float

    def text(self, name: str) -> str:
        """
        A field of the body that must be a text.

        Raises:
            Refusal: It is missing, empty or something else.
        """
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Refusal(422, f"{name} must be a text")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What an application answers.

    Attributes:
        body: Sent as JSON.
        status: HTTP status.
        headers: Beside those of every answer.
        events: Sent one after the other as server-sent events, in place of the body.
        resource: What the call made or changed, for the log; empty if nothing.
    """

    body: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[str] = ()
    resource: str = ""


class Refusal(Exception):
    """
    The answer is an error.

    Attributes:
        status: HTTP status.
        message: What is wrong, for the body.
        headers: Beside those of every answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.message = message
        self.headers = headers or {}
        super().__init__(f"{status}: {message}")


@dataclass(frozen=True, slots=True)
class Route:
    """
    One endpoint.

    Attributes:
        method: HTTP method.
        pattern: What the path must match; its groups are the call's parameters.
        operation: Class of operation, for the capacity and the log.
        handle: Does it, all at once.
    """

    method: str
    pattern: re.Pattern[str]
    operation: str
    handle: Callable[[Call], Answer]


def route(method: str, path: str, operation: str, handle: Callable[[Call], Answer]) -> Route:
    """A route whose *path* has its parameters in braces: ``/posts/{id}/metrics``."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(method, re.compile(pattern), operation, handle)


class Application(Protocol):
    """An upstream service's own logic and data. Knows neither HTTP nor how long it takes."""

    @property
    def name(self) -> str:
        """``llm``, ``social``, ``ads``, ``cms`` or ``echo``."""
        ...

    @property
    def routes(self) -> Sequence[Route]:
        """Its endpoints."""
        ...
