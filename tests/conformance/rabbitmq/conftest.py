"""The real RabbitMQ that the live cases of this folder share."""

from collections.abc import Iterator

import pytest

from tests.conformance.rabbitmq.private_broker import PrivateBroker, find_server


@pytest.fixture(scope="session")
def real_broker() -> Iterator[PrivateBroker]:
    """A private RabbitMQ, started at the first case that wants it."""
    server = find_server()
    if server is None:
        pytest.skip("the live cases need an installed rabbitmq-server")
    broker = PrivateBroker(server)
    broker.start()
    yield broker
    broker.close()
