"""
What differs between versions of RabbitMQ, as values: the broker asks the rules, never a version.

Source: the servers' own code at tags v3.13.7 and v4.3.5, and for 3.10 a running 3.10.8.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RABBITMQ_3_13", "RABBITMQ_4", "RULES", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The behaviour of one version.

    Attributes:
        name: As scenarios write it.
        version: What the broker reports in its server properties.
        transient_queues: Whether a queue may be neither durable nor exclusive.
        global_prefetch: Whether ``basic.qos`` can limit a channel as a whole. Where not,
            the request is taken as one per consumer, as RabbitMQ does.
        delivery_limit: Returns after which a quorum queue gives a message up; ``None`` never.
        nack_counts: Whether ``basic.nack`` with requeue counts towards the delivery limit.
            ``basic.reject`` and lost consumers always do.
        tells_acquisitions: Whether a quorum queue adds ``x-acquired-count``, which counts
            every return, to ``x-delivery-count``.
        delivery_timeout: Seconds after which a delivery that is not settled costs its channel;
            ``None`` never.
        believes_deaths: Whether an ``x-death`` header that a client sends is taken for the
            message's history.
        frame_max: Largest frame offered, in bytes.
        channel_max: Most channels offered.
        heartbeat: Seconds offered.
    """

    name: str
    version: str
    transient_queues: bool
    global_prefetch: bool
    delivery_limit: int | None
    nack_counts: bool
    tells_acquisitions: bool
    delivery_timeout: float | None
    believes_deaths: bool
    frame_max: int = 131_072
    channel_max: int = 2_047
    heartbeat: int = 60


RABBITMQ_3_13 = Rules(
    name="3.13",
    version="3.13.7",
    transient_queues=True,
    global_prefetch=True,
    delivery_limit=None,
    nack_counts=True,
    tells_acquisitions=False,
    delivery_timeout=1800.0,
    believes_deaths=True,
)
RABBITMQ_4 = Rules(
    name="4",
    version="4.3.5",
    transient_queues=False,
    global_prefetch=False,
    delivery_limit=20,
    nack_counts=False,
    tells_acquisitions=True,
    delivery_timeout=None,
    believes_deaths=False,
)
RULES = {rules.name: rules for rules in (RABBITMQ_3_13, RABBITMQ_4)}
