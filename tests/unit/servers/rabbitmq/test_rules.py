"""What differs between the versions the broker can follow."""

from typing import get_args

import pytest

from tests.unit.servers.rabbitmq.timeline import Client, Timeline, new_host
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RABBITMQ_4, RULES, Rules
from umt_sim.servers.rabbitmq.errors import AmqpError
from umt_sim.servers.specs import Version

BOTH = pytest.mark.parametrize("rules", [RABBITMQ_3_13, RABBITMQ_4], ids=lambda rules: rules.name)


def client_of(rules: Rules) -> Client:
    """A channel of a broker with *rules*."""
    return Client(new_host(Timeline(), rules=rules))


def returned_until_given_up(client: Client, *, by_nack: bool, most: int) -> int:
    """How often a message of a quorum queue comes back, at most *most* times."""
    queue = client.declare(queue_type="quorum")
    client.publish("q", b"x")
    for times in range(most):
        taken = client.session.get(queue, no_ack=False)
        if taken is None:
            return times
        client.session.reject(taken[0], multiple=False, requeue=True, by_nack=by_nack)
    return most


def test_names() -> None:
    """Scenarios name the rules."""
    assert RULES == {"3.13": RABBITMQ_3_13, "4": RABBITMQ_4}
    assert RULES.keys() == set(get_args(Version))


@BOTH
def test_transient_queues(rules: Rules) -> None:
    """RabbitMQ 4 has no queue that is neither durable nor exclusive, and says so with 541."""
    client = client_of(rules)

    def declare(name: str, *, exclusive: bool) -> None:
        client.host.declare_queue(
            name,
            durable=False,
            auto_delete=False,
            connection=client,
            exclusive=exclusive,
            arguments={},
        )

    declare("mine", exclusive=True)
    if rules.transient_queues:
        declare("everybodys", exclusive=False)
    else:
        with pytest.raises(AmqpError, match="541 INTERNAL_ERROR - Feature `transient_nonexcl"):
            declare("everybodys", exclusive=False)


@BOTH
def test_prefetch_of_a_channel(rules: Rules) -> None:
    """Where a limit per channel is no more, it is one for each consumer."""
    client = client_of(rules)
    queue = client.declare()
    client.session.limit_prefetch(1, per_channel=True)
    for tag in ("a", "b"):
        client.consume(queue, tag)
    client.publish("q", b"1", b"2", b"3")
    assert len(client.received) == (1 if rules.global_prefetch else 2)


def test_delivery_limit_of_version_4() -> None:
    """A message rejected 21 times is given up; a nack does not count."""
    assert returned_until_given_up(client_of(RABBITMQ_4), by_nack=False, most=50) == 21
    assert returned_until_given_up(client_of(RABBITMQ_4), by_nack=True, most=50) == 50


def test_no_delivery_limit_before() -> None:
    """Until version 4 a message comes back for ever."""
    assert returned_until_given_up(client_of(RABBITMQ_3_13), by_nack=False, most=50) == 50


@pytest.mark.parametrize(
    ("rules", "headers"),
    [
        (RABBITMQ_3_13, {"x-delivery-count": 2}),
        (RABBITMQ_4, {"x-delivery-count": 1, "x-acquired-count": 2}),
    ],
)
def test_counts_told_to_consumers(rules: Rules, headers: dict[str, int]) -> None:
    """One reject and one nack: version 4 tells failures and returns apart."""
    client = client_of(rules)
    queue = client.declare(queue_type="quorum")
    client.publish("q", b"x")
    for by_nack in (True, False):
        tag, _ = client.session.get(queue, no_ack=False) or (0, None)
        client.session.reject(tag, multiple=False, requeue=True, by_nack=by_nack)
    _, entry = client.session.get(queue, no_ack=True) or (0, None)
    assert entry is not None
    assert entry.shown.properties.headers.decoded() == headers
