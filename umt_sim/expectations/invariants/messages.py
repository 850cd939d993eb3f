"""A message the broker took responsibility for does not vanish."""

from __future__ import annotations

from collections import Counter

from umt_sim.expectations.invariants.finding import Finding, end_of
from umt_sim.expectations.wording import counted
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import MessageEvent, MessageFate, QueueSample

__all__ = ["no_lost_messages"]

_LOSSES = (MessageFate.LOST, MessageFate.DROPPED, MessageFate.PURGED)
_ENDINGS = (*_LOSSES, MessageFate.ACKED, MessageFate.DEAD_LETTERED, MessageFate.EXPIRED)


def no_lost_messages(journal: Journal) -> Finding:
    """
    No message that was confirmed to its publisher is lost, dropped or purged, and
    at the end each queue holds exactly what came in and did not go out.

    A message that expires with nowhere to go had a time to live on purpose, and one
    no queue wanted had no reader: neither counts. Without publisher confirms the
    broker promises nothing, so only the balance of the queues is checked.
    """
    events = journal.of(MessageEvent)
    published = [event for event in events if event.fate is MessageFate.PUBLISHED]
    if not published:
        return Finding("no message was published", blind=True)
    confirmed = {e.message_id for e in events if e.fate is MessageFate.CONFIRMED and e.message_id}
    end = end_of(journal)
    lost = [
        f"message {event.message_id} in {event.queue}: confirmed, then {event.fate.value}"
        f" at {event.at:.3f} s"
        for event in events
        if event.fate in _LOSSES and event.message_id in confirmed and event.at < end
    ]
    return Finding(
        f"{counted(len(published), 'message')}, {len(confirmed)} confirmed",
        (*lost, *_unbalanced(events, journal.of(QueueSample))),
    )


def _unbalanced(events: tuple[MessageEvent, ...], samples: tuple[QueueSample, ...]) -> list[str]:
    """Queues that hold something else than what came in minus what went out."""
    balance = _opening(events, samples)
    changed: dict[str, float] = {}
    for event in events:
        if event.fate is MessageFate.PUBLISHED:
            balance[event.queue] += 1
        elif event.fate in _ENDINGS:
            balance[event.queue] -= 1
        else:
            continue
        changed[event.queue] = event.at
    last = {sample.queue: sample for sample in samples}
    return [
        f"{queue} holds {counted(last[queue].ready + last[queue].unacked, 'message')}"
        f" instead of {count}"
        for queue, count in balance.items()
        if queue in last
        and queue in changed
        and last[queue].at >= changed[queue]
        and last[queue].ready + last[queue].unacked != count
    ]


def _opening(events: tuple[MessageEvent, ...], samples: tuple[QueueSample, ...]) -> Counter[str]:
    """What lay in each queue before anything happened to it: not every broker begins empty."""
    began: dict[str, float] = {}
    for event in events:
        began[event.queue] = min(event.at, began.get(event.queue, event.at))
    before: Counter[str] = Counter()
    for sample in reversed(samples):
        if sample.at < began.get(sample.queue, sample.at):
            before[sample.queue] = sample.ready + sample.unacked
    return before
