"""Improvement 4: spans for functions of every kind, across processes, and in the logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tests.fakes.acme import ACME
from tests.fakes.stage import InWorld, Stage, on_stage
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import PortUnavailable, RequestFailed
from umt_sim.platform.policies import PolicySettings, RetrySettings
from umt_sim.platform.resilience import BreakerSettings
from umt_sim.platform.tracing import (
    OpenTelemetryTracer,
    Sampling,
    TraceContextFilter,
    TracingSettings,
    configure,
    context_of,
    trace,
)
from umt_sim.platform.tracing.configuration import build_provider
from umt_sim.platform.tracing.propagation import current_traceparent, inject
from umt_sim.servers.postgres import Engine


class Recorded:
    """A tracer whose spans can be looked at."""

    def __init__(self, sampling: Sampling = Sampling.ALWAYS, ratio: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        settings = TracingSettings(
            sampling=sampling, ratio=ratio, exporters=[self.exporter], batch=False
        )
        self.tracer = OpenTelemetryTracer(build_provider(settings))

    @property
    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def test_every_kind_of_function_can_be_traced(recorded: Recorded) -> None:
    """Plain functions, coroutines and both kinds of generator get one span each."""
    tracer = recorded.tracer

    @tracer.trace("plain")
    def plain() -> int:
        return 1

    @tracer.trace("coroutine")
    async def coroutine() -> int:
        return 2

    @tracer.trace("generator")
    def generator() -> Iterator[int]:
        yield 3
        yield 4

    @tracer.trace("async generator")
    async def async_generator() -> AsyncIterator[int]:
        yield 5

    async def main() -> list[int]:
        return [plain(), await coroutine(), *generator(), *[i async for i in async_generator()]]

    assert [1, 2, 3, 4, 5] == asyncio.run(main())
    assert ["plain", "coroutine", "generator", "async generator"] == list(recorded.spans)


def test_a_traced_function_stays_what_it_was() -> None:
    """Name, docstring and kind of function survive the decorator."""

    @trace("work")
    async def work() -> None:
        """Do it."""

    assert ("work", "Do it.") == (work.__name__, work.__doc__)
    assert asyncio.iscoroutinefunction(work)


def test_a_generators_span_is_current_only_while_its_body_runs(recorded: Recorded) -> None:
    """Between two items the consumer's own span is in force."""
    seen = []

    @recorded.tracer.trace("items")
    def items() -> Iterator[None]:
        seen.append(get_current_span().get_span_context().span_id)
        yield
        seen.append(get_current_span().get_span_context().span_id)

    with recorded.tracer.start_as_current_span("consumer") as consumer:
        for _ in items():
            assert consumer is get_current_span()
    assert [recorded.spans["items"].context.span_id] * 2 == seen


def test_a_traced_generator_can_be_sent_to_thrown_at_and_closed(recorded: Recorded) -> None:
    """The wrapped generator obeys the whole generator protocol."""
    closed = []

    @recorded.tracer.trace("echo")
    def echo() -> Any:
        received = None
        try:
            while True:
                try:
                    received = yield received
                except KeyError as error:
                    received = error
        finally:
            closed.append(True)

    running = echo()
    next(running)
    assert "x" == running.send("x")
    assert isinstance(running.throw(KeyError("k")), KeyError)
    running.close()
    assert [True] == closed
    assert StatusCode.UNSET is recorded.spans["echo"].status.status_code


def test_a_failure_marks_the_span_and_comes_through(recorded: Recorded) -> None:
    """The span carries the error's type; its text stays out of it."""

    @recorded.tracer.trace("fails")
    def fails() -> None:
        raise PortUnavailable("llm", "POST", "token=hunter2")

    with pytest.raises(PortUnavailable):
        fails()
    span = recorded.spans["fails"]
    assert StatusCode.ERROR is span.status.status_code
    assert "PortUnavailable" == span.attributes["error.type"]
    assert "hunter2" not in span.to_json()


def test_arguments_become_attributes(recorded: Recorded) -> None:
    """Named arguments are recorded, defaults included; an unknown name is refused."""

    @recorded.tracer.trace("scored", arguments=("content_id", "weight"))
    def scored(content_id: UUID, secret: str, weight: float = 0.5) -> None: ...

    scored(UUID(int=1), secret="hunter2")
    assert {"content_id": str(UUID(int=1)), "weight": 0.5} == dict(
        recorded.spans["scored"].attributes
    )
    with pytest.raises(ValueError, match="scored has no argument contentid"):
        recorded.tracer.trace("x", arguments=("contentid",))(scored)


def test_the_installed_tracer_is_looked_up_at_each_call(recorded: Recorded) -> None:
    """A function decorated before ``configure`` is traced after it."""

    @trace("early")
    def early() -> None: ...

    try:
        configure(TracingSettings(exporters=[recorded.exporter], batch=False))
        early()
    finally:
        OpenTelemetryTracer.install(None)
    assert ["early"] == list(recorded.spans)


@pytest.mark.parametrize(
    ("sampling", "ratio", "kept"),
    [
        (Sampling.ALWAYS, 1.0, 200),
        (Sampling.NEVER, 1.0, 0),
        (Sampling.RATIO, 0.0, 0),
        (Sampling.PARENT, 1.0, 200),
    ],
)
def test_samplers(sampling: Sampling, ratio: float, kept: int) -> None:
    """Always and never mean it; a ratio of 0 or 1 too."""
    recorded = Recorded(sampling, ratio)
    for _ in range(200):
        with recorded.tracer.start_as_current_span("s"):
            pass
    assert kept == len(recorded.exporter.get_finished_spans())


def test_a_ratio_keeps_that_share() -> None:
    """A quarter of the traces, decided by their ids."""
    recorded = Recorded(Sampling.RATIO, 0.25)
    for _ in range(2000):
        with recorded.tracer.start_as_current_span("s"):
            pass
    assert 400 < len(recorded.exporter.get_finished_spans()) < 600


@pytest.mark.parametrize(("flags", "ratio", "kept"), [("01", 0.0, 1), ("00", 1.0, 0)])
def test_whoever_began_a_trace_decides(flags: str, ratio: float, kept: int) -> None:
    """A trace that came from elsewhere is kept if it was kept there, whatever our own ratio."""
    recorded = Recorded(Sampling.PARENT, ratio)
    origin = context_of({"traceparent": f"00-{'a' * 32}-{'b' * 16}-{flags}"})
    with recorded.tracer.start_as_current_span("s", origin):
        pass
    assert kept == len(recorded.exporter.get_finished_spans())


def test_a_trace_is_kept_whole_or_not_at_all(in_world: InWorld) -> None:
    """The decision travels with the messages: no agent keeps a piece of a trace."""
    exporter = InMemorySpanExporter()
    settings = TracingSettings(
        sampling=Sampling.PARENT, ratio=0.5, exporters=[exporter], batch=False
    )
    provider = build_provider(settings)

    async def play(stage: Stage) -> None:
        stage.provider = provider
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            for number in range(16):
                command = CreateContent(brand_id=brand, title=f"Story {number}")
                await application.client.create_content(command)
            await asyncio.sleep(2)

    in_world(play)
    traces: dict[int, list[str]] = {}
    for span in exporter.get_finished_spans():
        traces.setdefault(span.context.trace_id, []).append(span.name)
    created = [names for names in traces.values() if "create_content" in names]
    assert 0 < len(created) < 16
    for names in created:
        assert names.count("publish umt.events:content.published") == 1
        assert len([name for name in names if name.startswith("process ")]) == 3


def test_a_ratio_is_a_share() -> None:
    """A ratio outside 0 to 1 is refused."""
    with pytest.raises(ValueError, match="ratio is a share between 0 and 1, not 10"):
        TracingSettings(ratio=10)


def test_context_travels_in_headers_as_text_or_bytes(recorded: Recorded) -> None:
    """What is injected on one side is the parent on the other, even as AMQP's bytes."""
    headers: dict[str, Any] = {}
    with recorded.tracer.start_as_current_span("sender") as sender:
        inject(headers, sender)
        assert headers["traceparent"] == current_traceparent()
    headers["traceparent"] = headers["traceparent"].encode()
    with recorded.tracer.start_as_current_span("receiver", context_of(headers)):
        pass
    receiver = recorded.spans["receiver"]
    assert sender.get_span_context().span_id == receiver.parent.span_id
    assert sender.get_span_context().trace_id == receiver.context.trace_id


@pytest.mark.parametrize(
    "value",
    [
        f"00-{'a' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-00",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"cc-{'a' * 32}-{'b' * 16}-01-of-the-future",
        f"00-{'A' * 32}-{'b' * 16}-01",
        "00-short-01",
        "",
    ],
)
@pytest.mark.parametrize("more", [{}, {"tracestate": "vendor=1"}])
def test_context_is_read_as_opentelemetry_reads_it(value: str, more: dict[str, str]) -> None:
    """Whatever the header says, our own reading is the library's."""
    headers = {"traceparent": value, **more}
    theirs = get_current_span(TraceContextTextMapPropagator().extract(headers, Context()))
    ours = get_current_span(context_of(headers))
    assert theirs.get_span_context() == ours.get_span_context()
    assert theirs.get_span_context().trace_state == ours.get_span_context().trace_state


def test_headers_without_context_are_no_context() -> None:
    """A message from an untraced sender begins a trace of its own."""
    assert context_of({}) is None
    assert current_traceparent() is None


def test_log_records_carry_trace_and_span(recorded: Recorded) -> None:
    """The filter puts both ids on every record; outside a span they are empty."""
    record = logging.makeLogRecord({})
    with recorded.tracer.start_as_current_span("s") as span:
        TraceContextFilter().filter(record)
    context = span.get_span_context()
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (
        record.trace_id,
        record.span_id,
    )
    TraceContextFilter().filter(record)
    assert ("", "") == (record.trace_id, record.span_id)


def test_two_tracers_in_one_process_do_not_meet() -> None:
    """Spans go to the provider that was passed in, and to no other."""
    first, second = Recorded(), Recorded()
    with first.tracer.start_as_current_span("a"), second.tracer.start_as_current_span("b"):
        pass
    assert (["a"], ["b"]) == (list(first.spans), list(second.spans))


def test_spans_of_a_request_have_their_kinds(in_world: InWorld) -> None:
    """Publish is PRODUCER, process CONSUMER, database, cache and HTTP are CLIENT."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            await application.client.create_content(CreateContent(brand_id=brand, title="Hello"))
            await asyncio.sleep(2)
        for span in stage.finished_spans():
            kind = {"publish": SpanKind.PRODUCER, "process": SpanKind.CONSUMER}
            assert kind.get(span.name.split()[0], SpanKind.CLIENT) is span.kind
            if span.name.startswith(("SELECT", "INSERT", "UPDATE")):
                assert "postgresql" == span.attributes["db.system.name"]
                assert span.name == span.attributes["db.query.summary"]
            if span.name.startswith("POST"):
                whole = f"{stage.config.upstreams['llm'].base_url}/v1/completions"
                assert whole == span.attributes["url.full"]

    in_world(play)


def test_a_failed_request_is_red_where_it_failed(in_world: InWorld) -> None:
    """The process span of the failing agent and the client's own span carry the error's type."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            with pytest.raises(RequestFailed):
                await application.client.create_content(
                    CreateContent(brand_id=UUID(int=9), title="Hello")
                )
        red = {
            span.name: span.attributes["error.type"]
            for span in stage.finished_spans()
            if span.status.status_code is StatusCode.ERROR
        }
        assert {
            "create_content": "RequestFailed",
            "process umt.tasks:content-strategy.create_content:umt.content-strategy": "NotFound",
        } == red

    in_world(play)


def test_what_guards_decide_is_noted_on_the_span(in_world: InWorld) -> None:
    """Retries and transitions appear as events of the span in which they happened."""
    policies = {
        "llm": PolicySettings(
            retry=RetrySettings(max_attempts=3), breaker=BreakerSettings.consecutive(2, 5.0)
        )
    }

    async def play(stage: Stage) -> None:
        async with stage.application(policies) as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            stage.proxies["llm"].disable()
            with pytest.raises(RequestFailed):
                await application.client.create_content(
                    CreateContent(brand_id=brand, title="Hello")
                )
        events = [event.name for span in stage.finished_spans() for event in span.events]
        assert "umt.retry" in events
        assert "umt.circuit_breaker.transition" in events
        assert "umt.circuit_breaker.refusal" in events

    in_world(play)


def test_spans_last_as_long_as_virtual_time_says(engine: Engine) -> None:
    """A request over a link with 250 ms of latency each way shows them in its spans."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            stage.network.latency("content-creation-agent", "llm", 0.25)
            stage.network.latency("llm", "content-creation-agent", 0.25)
            await application.client.create_content(CreateContent(brand_id=brand, title="Hello"))
        (span,) = [s for s in stage.finished_spans() if s.name == "POST /v1/completions"]
        assert 0 == (span.end_time - span.start_time) % 250_000_000
        assert span.end_time - span.start_time >= 500_000_000

    on_stage(engine, play)
