"""The tracer of the platform, and ``@trace`` for functions of every kind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractContextManager
from contextvars import Token
from types import TracebackType
from typing import Any, ClassVar, TypeVar, cast

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NoOpTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from umt_sim.platform.tracing.conventions import ERROR_TYPE

__all__ = ["OpenTelemetryTracer", "trace"]

F = TypeVar("F", bound=Callable[..., Any])


class OpenTelemetryTracer:
    """
    Opens spans with the OpenTelemetry API.

    The provider is passed in, so that two tracers in one process do not meet.
    ``get_instance`` is for programs that have only one: it returns the tracer
    that ``configure`` installed, or one that records nothing.

    Args:
        provider: Where spans go; left out, they go nowhere.
        name: Instrumentation scope of the spans.
    """

    _instance: ClassVar[OpenTelemetryTracer | None] = None

    def __init__(
        self, provider: TracerProvider | None = None, *, name: str = "umt_sim.platform"
    ) -> None:
        self.provider = provider or NoOpTracerProvider()
        self._tracer = self.provider.get_tracer(name)

    @classmethod
    def get_instance(cls) -> OpenTelemetryTracer:
        """The tracer of the process."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @classmethod
    def install(cls, tracer: OpenTelemetryTracer | None) -> None:
        """Make *tracer* what ``get_instance`` returns; ``None`` forgets the present one."""
        cls._instance = tracer

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        links: tuple[Link, ...] = (),
    ) -> AbstractContextManager[Span]:
        """
        A span around a ``with`` block, child of *context* or else of the current span.

        An exception that leaves the block marks the span as failed, with the
        error's type; its text and stack stay in the logs, where they belong.
        """
        return self.open(name, context, kind, attributes, links)

    def open(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        links: tuple[Link, ...] = (),
    ) -> _CurrentSpan:
        """A started span that its caller makes current, and ends, when it sees fit."""
        return _CurrentSpan(
            self._tracer.start_span(name, context, kind, attributes, links), context
        )

    def trace(self, name: str, *, arguments: tuple[str, ...] = ()) -> Callable[[F], F]:
        """Decorate a function with a span of this tracer; see ``trace``."""
        return trace(name, tracer=self, arguments=arguments)


class _CurrentSpan(AbstractContextManager[Span]):
    """
    Makes a span current for a block, then ends it.

    A class, because the SDK's own generator-based manager takes twice the time.
    """

    __slots__ = ("_parent", "_token", "span")

    def __init__(self, span: Span, parent: Context | None) -> None:
        self.span = span
        self._parent = parent
        self._token: Token[Context] | None = None

    def attach(self) -> None:
        """Make the span current in this context."""
        self._token = otel_context.attach(set_span_in_context(self.span, self._parent))

    def detach(self) -> None:
        """Make current again what was."""
        if self._token is not None:
            otel_context.detach(self._token)
            self._token = None

    def end(self, error: type[BaseException] | None) -> None:
        """End the span, as failed if *error* ended it. Closing a generator early is no failure."""
        if error is not None and not issubclass(error, GeneratorExit):
            self.span.set_attribute(ERROR_TYPE, error.__qualname__)
            self.span.set_status(Status(StatusCode.ERROR, error.__qualname__))
        self.span.end()

    def __enter__(self) -> Span:
        self.attach()
        return self.span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.detach()
        self.end(kind)


def trace(
    name: str,
    *,
    tracer: OpenTelemetryTracer | None = None,
    arguments: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """
    Put a span around every call of the decorated function.

    Works for plain functions, coroutine functions, generators and asynchronous
    generators; the span of a generator lasts until the iteration ends.

    Args:
        name: Name of the span.
        tracer: Left out, the process's tracer is looked up at each call.
        arguments: Names of arguments to record as attributes.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        unknown = [argument for argument in arguments if argument not in signature.parameters]
        if unknown:
            raise ValueError(f"{function.__qualname__} has no argument {', '.join(unknown)}")

        def opened(*args: Any, **kwargs: Any) -> _CurrentSpan:
            source = tracer or OpenTelemetryTracer.get_instance()
            return source.open(name, attributes=_attributes(signature, arguments, args, kwargs))

        return cast("F", functools.wraps(function)(_wrapper(function, opened)))

    return decorate


def _wrapper(
    function: Callable[..., Any], open_span: Callable[..., _CurrentSpan]
) -> Callable[..., Any]:
    """*function* inside a span, as the same kind of function."""
    if inspect.isasyncgenfunction(function):
        return functools.partial(_traced_async_generator, function, open_span)
    if inspect.isgeneratorfunction(function):
        return functools.partial(_traced_generator, function, open_span)
    if inspect.iscoroutinefunction(function):

        async def traced_coroutine(*args: Any, **kwargs: Any) -> Any:
            with open_span(*args, **kwargs):
                return await function(*args, **kwargs)

        return traced_coroutine

    def traced(*args: Any, **kwargs: Any) -> Any:
        with open_span(*args, **kwargs):
            return function(*args, **kwargs)

    return traced


def _traced_generator(
    function: Callable[..., Any],
    open_span: Callable[..., _CurrentSpan],
    *args: Any,
    **kwargs: Any,
) -> Generator[Any, Any, Any]:
    """The span is current only while the body runs: between items the consumer's own is."""
    opened = open_span(*args, **kwargs)
    items = function(*args, **kwargs)
    resume: Callable[[], Any] = functools.partial(next, items)
    try:
        while True:
            opened.attach()
            try:
                item = resume()
            finally:
                opened.detach()
            try:
                resume = functools.partial(items.send, (yield item))
            except GeneratorExit:
                items.close()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in by the consumer, passed on
                resume = functools.partial(items.throw, error)
    except StopIteration as end:
        opened.end(None)
        return end.value
    except BaseException as error:
        opened.end(type(error))
        raise


async def _traced_async_generator(
    function: Callable[..., Any],
    open_span: Callable[..., _CurrentSpan],
    *args: Any,
    **kwargs: Any,
) -> AsyncGenerator[Any, Any]:
    """As for a generator; the body of an asynchronous one may also be left by the loop."""
    opened = open_span(*args, **kwargs)
    items = function(*args, **kwargs)
    resume: Callable[[], Any] = items.__anext__
    try:
        while True:
            opened.attach()
            try:
                item = await resume()
            finally:
                opened.detach()
            try:
                resume = functools.partial(items.asend, (yield item))
            except GeneratorExit:
                await items.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in by the consumer, passed on
                resume = functools.partial(items.athrow, error)
    except StopAsyncIteration:
        opened.end(None)
    except BaseException as error:
        opened.end(type(error))
        raise


def _attributes(
    signature: inspect.Signature,
    arguments: tuple[str, ...],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, AttributeValue] | None:
    if not arguments:
        return None
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return {name: _as_attribute(bound.arguments[name]) for name in arguments}


def _as_attribute(value: Any) -> AttributeValue:
    return value if isinstance(value, str | bool | int | float) else str(value)
