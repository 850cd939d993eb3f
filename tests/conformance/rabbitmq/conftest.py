"""The real RabbitMQ that the live cases of this folder share."""

from collections.abc import Iterator

import pytest

from umt_sim.worlds.live.programs.instance import Instance
from umt_sim.worlds.live.programs.rabbitmq import RabbitMQ
from umt_sim.worlds.live.servers import one_server


@pytest.fixture(scope="session")
def real_broker() -> Iterator[Instance]:
    """A private RabbitMQ, started at the first case that wants it."""
    script = RabbitMQ.find()
    if script is None:
        pytest.skip("the live cases need an installed rabbitmq-server")
    with one_server(RabbitMQ(script, account="guest")) as broker:
        yield broker
