"""What a dead-lettered message carries: its deaths, as headers, and the check for cycles."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from umt_sim.servers.rabbitmq.core.message import Death, Message

__all__ = ["buried", "claimed_deaths", "goes_in_circles"]


def buried(
    message: Message,
    known: tuple[Death, ...],
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
        known: Its deaths until then.
        queue: Where it died.
        reason: Of what.
        exchange: The dead-letter exchange.
        routing_key: With which key it goes there; ``None`` keeps its own.
        now: Wall clock time of death.
    """
    deaths = _with_death(message, known, queue, reason, now)
    latest, first = deaths[0], known[-1] if known else deaths[0]
    headers = {"x-death": [_table(death) for death in deaths]}
    told = message.properties.headers
    extra = {
        "x-first-death-reason": told.get("x-first-death-reason") or first.reason,
        "x-first-death-queue": told.get("x-first-death-queue") or first.queue,
        "x-first-death-exchange": _first(told.get("x-first-death-exchange"), first.exchange),
        "x-last-death-reason": latest.reason,
        "x-last-death-queue": latest.queue,
        "x-last-death-exchange": message.exchange,
    }
    keys = message.routing_keys if routing_key is None else (routing_key,)
    dropped = ("CC", "BCC") if routing_key is not None else ("BCC",)
    table = told.changed(headers | extra, without=dropped)
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


def claimed_deaths(message: Message) -> tuple[Death, ...]:
    """The deaths that a client's ``x-death`` header tells of; what is no death is passed over."""
    told = message.properties.headers.get("x-death")
    if not isinstance(told, list):
        return ()
    return tuple(death for entry in told if (death := _claimed(entry)) is not None)


def _claimed(entry: object) -> Death | None:
    if not isinstance(entry, dict):
        return None
    try:
        return Death(
            queue=str(entry["queue"]),
            reason=str(entry["reason"]),
            count=int(entry["count"]),
            time=entry["time"],
            exchange=str(entry["exchange"]),
            routing_keys=tuple(map(str, entry["routing-keys"])),
            expiration=entry.get("original-expiration"),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _with_death(
    message: Message, known: tuple[Death, ...], queue: str, reason: str, now: datetime
) -> tuple[Death, ...]:
    others = tuple(d for d in known if (d.queue, d.reason) != (queue, reason))
    for death in known:
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
