"""Opening and closing a connection."""

import asyncio

import aiormq
import pytest
from aiormq.exceptions import ProbableAuthenticationError
from pamqp import commands
from pamqp.header import ProtocolHeader
from pamqp.heartbeat import Heartbeat

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import HEADER
from umt_sim.errors import WorldUnavailable
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.versions import insist_on_version

CLOSE = commands.Connection.Close(200, "bye", 0, 0)


@on_every_broker
async def test_other_protocols_are_answered_with_ours(broker: Broker) -> None:
    """Whoever begins with something else is told the protocol and hung up on."""
    client = await broker.client().connect()
    client.write(b"GET / HTTP/1.1\r\n\r\n")
    received = await client.receive()
    assert received is not None
    assert isinstance(received[1], ProtocolHeader)
    assert await client.ended()


@on_every_broker
async def test_start_offers_plain_logins(broker: Broker) -> None:
    """The broker introduces itself as AMQP 0-9-1 with password logins."""
    client = await broker.client().connect()
    client.write(HEADER)
    start = await client.expect(commands.Connection.Start)
    assert (start.version_major, start.version_minor) == (0, 9)
    assert sorted(start.mechanisms.split()) == ["AMQPLAIN", "PLAIN"]
    assert start.locales == "en_US"
    assert start.server_properties["product"] == "RabbitMQ"


@on_every_broker
async def test_capabilities_are_announced(broker: Broker) -> None:
    """Clients learn which extensions they may use."""
    client = await broker.client().connect()
    client.write(HEADER)
    start = await client.expect(commands.Connection.Start)
    announced = start.server_properties["capabilities"]
    assert all(
        announced[name] is True
        for name in (
            "publisher_confirms",
            "exchange_exchange_bindings",
            "basic.nack",
            "consumer_cancel_notify",
            "connection.blocked",
            "consumer_priorities",
            "authentication_failure_close",
            "per_consumer_qos",
        )
    )


@on_every_broker
async def test_tune_offers_the_usual_limits(broker: Broker) -> None:
    """2047 channels, frames of 128 KiB and a heartbeat of 60 s are offered."""
    tune = await broker.client().log_in()
    assert isinstance(tune, commands.Connection.Tune)
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (2047, 131072, 60)


@on_every_broker
async def test_wrong_password_is_explained_to_clients_that_understand(broker: Broker) -> None:
    """A failed login ends in 403 where the client announced the capability."""
    close = await broker.client().log_in(password="wrong")
    assert isinstance(close, commands.Connection.Close)
    assert (close.reply_code, close.reply_text) == (
        403,
        (
            "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
            " For details see the broker logfile."
        ),
    )


@on_every_broker
async def test_wrong_password_is_not_explained_to_others(broker: Broker) -> None:
    """Other clients find the connection closed."""
    assert await broker.client().log_in(password="wrong", capabilities=()) is None


@on_every_broker
async def test_wrong_password_through_the_driver(broker: Broker) -> None:
    """The driver calls it what it is."""
    with pytest.raises(ProbableAuthenticationError, match="ACCESS_REFUSED"):
        await aiormq.connect(f"amqp://guest:wrong@127.0.0.1:{broker.server.port}/")


@on_every_broker
async def test_amqplain_logs_in(broker: Broker) -> None:
    """The second mechanism carries user and password in a table."""
    response = "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"
    tune = await broker.client().log_in(mechanism="AMQPLAIN", response=response)
    assert isinstance(tune, commands.Connection.Tune)


@on_every_broker
async def test_unknown_virtual_host(broker: Broker) -> None:
    """530 names the host that is not there."""
    client = broker.client()
    await client.log_in()
    client.send(0, commands.Connection.TuneOk(2047, 131072, 0), commands.Connection.Open("nope"))
    assert await client.closed_connection() == (
        530,
        "NOT_ALLOWED - vhost nope not found",
        10,
        40,
    )


@pytest.mark.parametrize(
    ("channel_max", "frame_max"),
    [(2047, 4095), (2047, 131073), (2047, 0), (2048, 131072), (0, 131072)],
)
@on_every_broker
async def test_impossible_limits_end_the_connection(
    broker: Broker, channel_max: int, frame_max: int
) -> None:
    """A client may lower what was offered, but not raise it, nor frames below 4096 octets."""
    client = broker.client()
    await client.log_in()
    client.send(0, commands.Connection.TuneOk(channel_max, frame_max, 0))
    client.send(0, commands.Connection.Open("/"))
    assert await client.ended()


@on_every_broker
async def test_methods_out_of_turn_end_the_handshake(broker: Broker) -> None:
    """Before the connection is open nothing is explained."""
    client = broker.client()
    await client.log_in()
    client.send(1, commands.Channel.Open())
    assert await client.ended()


@on_every_broker
async def test_client_closes(broker: Broker) -> None:
    """connection.close is answered; to hang up is left to the client."""
    client = await broker.raw(1)
    client.send(0, CLOSE)
    await client.expect(commands.Connection.CloseOk)


@on_every_broker
async def test_secret_can_be_updated(broker: Broker) -> None:
    """connection.update-secret is acknowledged."""
    client = await broker.raw()
    client.send(0, commands.Connection.UpdateSecret("new", "because"))
    await client.expect(commands.Connection.UpdateSecretOk)


@on_every_broker
async def test_heartbeats_are_sent(broker: Broker) -> None:
    """With an interval of 1 s an idle client hears from the broker."""
    client = await broker.raw(heartbeat=1)
    received = await client.receive()
    assert received is not None
    assert isinstance(received[1], Heartbeat)


@on_every_broker
async def test_silent_clients_are_given_up(broker: Broker) -> None:
    """A client that sends nothing for two intervals is hung up on, without a word."""
    client = await broker.raw(heartbeat=1)
    async with asyncio.timeout(8):
        assert await client.ended()


@on_every_broker
async def test_heartbeats_keep_a_connection(broker: Broker) -> None:
    """A client that sends heartbeats only is alive."""
    client = await broker.raw(1, heartbeat=1)
    for _ in range(8):
        client.write(Heartbeat.marshal())
        await asyncio.sleep(0.5)
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)


@on_every_broker
async def test_content_of_several_frames_in_small_pieces(broker: Broker) -> None:
    """Frames may arrive octet by octet."""
    client = await broker.raw()
    for octet in b"\x01\x00\x01\x00\x00\x00\x05\x00\x14\x00\x0a\x00\xce":
        client.write(bytes((octet,)))
        await asyncio.sleep(0)
    await client.expect(commands.Channel.OpenOk)


@on_every_broker
async def test_a_live_run_knows_the_version(broker: Broker) -> None:
    """A scenario that asks for RabbitMQ 4 is told that this one is older."""
    at = Endpoint("store", "rabbitmq", "127.0.0.1", broker.server.port, "guest", "guest", "/")
    sentence = r"store: the scenario asks for RabbitMQ 4, and this one is 3\.\d+\.\d+; install 4"
    with pytest.raises(WorldUnavailable, match=sentence):
        await insist_on_version(at, "4")
