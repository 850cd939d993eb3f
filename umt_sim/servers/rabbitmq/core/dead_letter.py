"""What a dead-lettered message carries: its deaths, as headers, and the check for cycles."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from umt_sim.servers.rabbitmq.core.message import Death, Message

__all__ = ["buried", "goes_in_circles"]


def buried(
    message: Message,
    *,
    queue: str,
    reason: str,
    exchange: str,
    routing_key: str | None,
    now: datetime,
) -> Message:
    """
    *message* as it is sent to a dead-letter exchange.

    A death of the same reason in the same queue is counted, not listed twice;
    the list begins with the latest. The expiration goes, so that it does not
    die of it again at once.

    Args:
        message: As it was in the queue.
        queue: Where it died.
        reason: Of what.
        exchange: The dead-letter exchange.
        routing_key: With which key it goes there; ``None`` keeps its own.
        now: Wall clock time of death.
    """
    deaths = _with_death(message, queue, reason, now)
    latest, first = deaths[0], message.deaths[-1] if message.deaths else deaths[0]
    headers = {"x-death": [_table(death) for death in deaths]}
    known = message.properties.headers
    extra = {
        "x-first-death-reason": known.get("x-first-death-reason") or first.reason,
        "x-first-death-queue": known.get("x-first-death-queue") or first.queue,
        "x-first-death-exchange": _first(known.get("x-first-death-exchange"), first.exchange),
        "x-last-death-reason": latest.reason,
        "x-last-death-queue": latest.queue,
        "x-last-death-exchange": message.exchange,
    }
    keys = message.routing_keys if routing_key is None else (routing_key,)
    dropped = ("CC", "BCC") if routing_key is not None else ("BCC",)
    table = message.properties.headers.changed(headers | extra, without=dropped)
    dead = message.readdressed(exchange, keys, table, expires=False)
    dead.deaths = deaths
    return dead


def goes_in_circles(queue: str, deaths: tuple[Death, ...]) -> bool:
    """
    Whether a message with these *deaths* came to *queue* before, by no consumer's will.

    Such a message is dropped, or it would circle for ever.
    """
    for death in deaths:
        if death.reason == "rejected":
            return False
        if death.queue == queue:
            return True
    return False


def _with_death(message: Message, queue: str, reason: str, now: datetime) -> tuple[Death, ...]:
    others = tuple(d for d in message.deaths if (d.queue, d.reason) != (queue, reason))
    for death in message.deaths:
        if (death.queue, death.reason) == (queue, reason):
            return (replace(death, count=death.count + 1), *others)
    death = Death(
        queue=queue,
        reason=reason,
        count=1,
        time=now,
        exchange=message.exchange,
        routing_keys=message.routing_keys,
        expiration=message.properties.expiration,
    )
    return (death, *others)


def _first(known: str | None, otherwise: str) -> str:
    return otherwise if known is None else known


def _table(death: Death) -> dict[str, object]:
    table: dict[str, object] = {
        "count": death.count,
        "reason": death.reason,
        "queue": death.queue,
        "time": death.time,
        "exchange": death.exchange,
        "routing-keys": list(death.routing_keys),
    }
    if death.expiration is not None:
        table["original-expiration"] = death.expiration
    return table
