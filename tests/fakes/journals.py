"""Journals made by hand or by a small queueing model, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from umt_sim.journal.recorder import Journal, Recorder
from umt_sim.journal.records import (
    BreakerEvent,
    FaultRecord,
    OperationRecord,
    Outcome,
    PhaseRecord,
    QueueSample,
    Record,
    RetryEvent,
    SpanRow,
)


def journal(
    *records: Record, measured: tuple[float, float] = (0.0, 100.0), **header: Any
) -> Journal:
    """A closed journal of *records*, measured from one time to another."""
    recorder = Recorder(lambda: 0.0)
    for record in records:
        recorder.add(record)
    recorder.add(PhaseRecord("measure", *measured))
    return recorder.close({"scenario": "made-by-hand", "seed": 1, "world": "sim", **header})


def request(
    number: int,
    scheduled: float,
    latency: float | None = 0.1,
    *,
    name: str = "ask",
    outcome: Outcome = Outcome.OK,
    waited: float = 0.0,
) -> OperationRecord:
    """One request; ``latency=None`` for one that was never answered."""
    answered = latency is not None
    return OperationRecord(
        number=number,
        name=name,
        scheduled=scheduled,
        started=scheduled + waited,
        completed=scheduled + latency if latency is not None else None,
        outcome=outcome if answered else None,
        error=None if outcome is Outcome.OK else "Refused",
    )


def span(
    name: str,
    start: float,
    end: float,
    *,
    parent: str | None = None,
    kind: str = "internal",
    trace: str = "t" * 32,
    status: str = "unset",
    **attributes: Any,
) -> SpanRow:
    """A span of service ``shop`` whose id is its name; ``server_address`` is ``server.address``."""
    named = {key.replace("_", ".", 1): value for key, value in attributes.items()}
    return SpanRow(trace, name, parent, name, kind, "shop", start, end, status, None, named)


def order_trace(trace: str = "t" * 32, at: float = 0.0) -> list[SpanRow]:
    """A request that asks a cache, then has a worker do the rest, and answers before it is done."""

    def own(name: str, start: float, end: float, **more: Any) -> SpanRow:
        return span(name, at + start, at + end, trace=trace, **more)

    queue = {"messaging_system": "rabbitmq", "messaging_destination.name": "x:orders:worker"}
    return [
        own("order", 0.0, 1.0),
        own("GET", 0.1, 0.2, parent="order", kind="client", server_address="redis"),
        own("publish", 0.3, 0.4, parent="order", kind="producer", messaging_system="rabbitmq"),
        own("process", 0.6, 1.5, parent="publish", kind="consumer", **queue),
        own(
            "INSERT", 0.65, 0.9, parent="process", kind="client", server_address="db",
            status="error",
        ),
        own("mail", 1.1, 1.4, parent="process", kind="client", server_address="smtp"),
    ]  # fmt: skip


def steady(
    start: float, end: float, *, latency: float = 0.1, each: float = 0.1, **more: Any
) -> list[OperationRecord]:
    """Requests at even distances, all of one latency."""
    count = round((end - start) / each)
    return [request(n, start + n * each, latency, **more) for n in range(count)]


def fault(
    name: str,
    started: float,
    ended: float,
    *,
    met: int = 1,
    kind: str = "latency",
    target: str = "db",
) -> FaultRecord:
    """A fault that met *met* connections."""
    return FaultRecord(name, kind, target, started, ended, 1000 * met, met)


def brownout(seed: int = 7, *, expect: Sequence[str] = ()) -> Journal:
    """
    Five minutes of a small service: a broker brownout, a database outage, a breaker.

    A single-server queue whose server slows down in one window and refuses in
    another; enough to look like a run in a figure.
    """
    stream = Random(seed)
    records: list[Record] = []
    now, free = 0.0, 0.0
    number = 0
    depth: list[tuple[float, int]] = []
    while True:
        rate = 10.0 if now < 60 else min(40.0, 10.0 + (now - 60) / 4)
        now += stream.expovariate(rate)
        if now >= 300:
            break
        slow = 90 <= now < 135
        down = 180 <= now < 200
        opened = 183 <= now < 203
        if opened or (slow and 104 <= now < 114):
            records.append(request(number, now, 0.002, outcome=Outcome.FAIL))
        elif down:
            records.append(request(number, now, 2.0, outcome=Outcome.INFO))
            records.append(RetryEvent(now, "content-creation", 1, 0.1, "PortTimeout"))
        else:
            start = max(free, now)
            service = stream.lognormvariate(-4.2, 0.5) + (stream.uniform(0.01, 0.03) if slow else 0)
            free = start + service
            extra = 0.9 + stream.uniform(-0.2, 0.2) if slow else 0.0
            records.append(request(number, now, free - now + 0.12 + extra))
            if slow and stream.random() < 0.2:
                records.append(RetryEvent(now, "content-creation", 1, 0.1, "PortTimeout"))
        if number % 4 == 0 and 150 < now < 300:
            records.append(request(100_000 + number, now, 0.03, name="read_dashboard"))
        waiting = int(max(0.0, free - now) * 40) + (int((now - 90) * 3) if slow else 0)
        depth.append((now, waiting))
        number += 1
    for at, waiting in depth[::5]:
        records.append(QueueSample(at, "rabbitmq", "content.tasks", waiting, 4, 2))
        records.append(QueueSample(at, "rabbitmq", "content.events", waiting // 3, 1, 1))
    records.append(QueueSample(299.9, "rabbitmq", "content.tasks", 0, 0, 2))
    records.append(QueueSample(299.9, "rabbitmq", "content.events", 0, 0, 1))
    for at, origin, target in (
        (104.0, "closed", "open"),
        (114.0, "open", "half_open"),
        (114.6, "half_open", "closed"),
        (183.0, "closed", "open"),
        (193.0, "open", "half_open"),
        (193.4, "half_open", "open"),
        (203.0, "open", "half_open"),
        (203.5, "half_open", "closed"),
    ):
        records.append(BreakerEvent(at, "content-creation", "transition", origin, target))
    records.append(BreakerEvent(10.0, "llm", "success"))
    records.append(BreakerEvent(110.0, "content-creation", "not_permitted"))
    records.append(fault("brownout", 90, 135, target="rabbitmq"))
    records.append(fault("outage", 180, 200, kind="down", target="postgres"))
    records.append(fault("crash", 190, 195, kind="crash", target="content-creation-agent"))
    return journal(
        *records,
        measured=(20.0, 300.0),
        plan={"expect": list(expect), "description": "RabbitMQ answers late, then PostgreSQL dies"},
        tape_hash="5f2c" * 16,
        ended="completed",
    )
