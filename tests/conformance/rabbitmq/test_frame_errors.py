"""Frames that are wrong, or right at the wrong moment, end the connection in RabbitMQ's words."""

import pytest
from pamqp import base, commands, frame

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import content, raw_frame

PUBLISH = frame.marshal(commands.Basic.Publish(routing_key="q"), 1)
QOS = frame.marshal(commands.Basic.Qos(0, 1), 1)
HEADER_OF_BASIC = b"\x00\x3c\x00\x00" + bytes(8)

CASES = {
    "unknown type": (
        raw_frame(7, 1, b"abc"),
        (501, 'FRAME_ERROR - type 7, all octets = <<"abc">>: unknown_frame', 0, 0),
    ),
    "unknown type, long": (
        raw_frame(7, 1, b"abcdefghijklmnopqrstuvwxyz"),
        (
            501,
            'FRAME_ERROR - type 7, first 16 octets = <<"abcdefghijklmnop">>: unknown_frame',
            0,
            0,
        ),
    ),
    "no end marker": (
        raw_frame(1, 1, b"\x00\x3c\x00\x28abcdefghijklm", end=7),
        (
            501,
            (
                "FRAME_ERROR - type 1, first 16 octets = <<0,60,0,40,97,98,99,100,101,102,103,104,"
                "105,106,107,\n                            108>>: {invalid_frame_end_marker,7}"
            ),
            0,
            0,
        ),
    ),
    "no end marker after nothing": (
        raw_frame(8, 0, b"", end=7) + bytes(10),
        (501, "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,7}", 0, 0),
    ),
    "no method": (
        raw_frame(1, 1, b""),
        (501, "FRAME_ERROR - type 1, all octets = <<>>: unknown_frame", 0, 0),
    ),
    "half a method": (
        raw_frame(1, 1, b"\x00\x3c"),
        (501, "FRAME_ERROR - type 1, all octets = <<0,60>>: unknown_frame", 0, 0),
    ),
    "fields missing": (
        raw_frame(1, 1, b"\x00\x32\x00\x0a\x00\x00\xff"),
        (501, "FRAME_ERROR - cannot decode <<0,0,255>>", 50, 10),
    ),
    "fields left over": (
        raw_frame(1, 1, b"\x00\x55\x00\x0a\x00extra"),
        (501, "FRAME_ERROR - cannot decode <<0,101,120,116,114,97>>", 85, 10),
    ),
    "name that is not UTF-8": (
        raw_frame(1, 1, b"\x00\x32\x00\x0a\x00\x00\x03\xff\xfe\xfd\x00\x00\x00\x00\x00"),
        (501, "FRAME_ERROR - Malformed UTF-8 in shortstr", 0, 0),
    ),
    "header out of place": (
        content(1, b""),
        (505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", 0, 0),
    ),
    "body out of place": (
        raw_frame(3, 1, b"x"),
        (505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", 0, 0),
    ),
    "method instead of header": (
        PUBLISH + QOS,
        (
            505,
            (
                "UNEXPECTED_FRAME - expected content header for class 60,"
                " got non content header frame instead"
            ),
            60,
            40,
        ),
    ),
    "publish instead of header": (
        PUBLISH + PUBLISH,
        (
            505,
            (
                "UNEXPECTED_FRAME - expected content header for class 60,"
                " got non content header frame instead"
            ),
            60,
            40,
        ),
    ),
    "body instead of header": (
        PUBLISH + raw_frame(3, 1, b"x"),
        (
            505,
            (
                "UNEXPECTED_FRAME - expected content header for class 60,"
                " got non content header frame instead"
            ),
            60,
            40,
        ),
    ),
    "method instead of body": (
        PUBLISH + content(1, b"ab", size=5) + QOS,
        (
            505,
            "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
            60,
            40,
        ),
    ),
    "header instead of body": (
        PUBLISH + content(1, b"ab", size=5) + content(1, b""),
        (
            505,
            "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
            60,
            40,
        ),
    ),
    "body longer than announced": (
        PUBLISH + content(1, b"abcdef", size=5) + QOS,
        (
            505,
            "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
            60,
            40,
        ),
    ),
    "header of another class": (
        PUBLISH + raw_frame(2, 1, b"\x00\x32\x00\x00" + bytes(10)),
        (
            505,
            "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
            60,
            40,
        ),
    ),
    "header too short": (
        PUBLISH + raw_frame(2, 1, b"\x00\x3c\x00\x00\x00\x00\x00"),
        (501, "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0,0,0>>: unknown_frame", 0, 0),
    ),
    "properties end too early": (
        PUBLISH + raw_frame(2, 1, HEADER_OF_BASIC + b"\x80\x00\xff"),
        (541, "INTERNAL_ERROR", 0, 0),
    ),
    "properties end too late": (
        PUBLISH + raw_frame(2, 1, HEADER_OF_BASIC + b"\x80\x00\x02abcdef"),
        (541, "INTERNAL_ERROR", 0, 0),
    ),
    "headers that are no table": (
        PUBLISH + raw_frame(2, 1, HEADER_OF_BASIC + b"\x20\x00\x00\x00\x00\x05\x03abcZ"),
        (541, "INTERNAL_ERROR", 0, 0),
    ),
    "more property flags than there are": (
        PUBLISH + raw_frame(2, 1, HEADER_OF_BASIC + b"\x80\x01\x00\x00\x02ab"),
        (541, "INTERNAL_ERROR", 0, 0),
    ),
    "header on channel 0": (
        content(0, b"x"),
        (
            505,
            "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,1,0,0>>",
            0,
            0,
        ),
    ),
    "body on channel 0": (
        raw_frame(3, 0, b"x"),
        (505, 'UNEXPECTED_FRAME - type 3, all octets = <<"x">>', 0, 0),
    ),
    "heartbeat on a channel": (
        raw_frame(8, 1, b""),
        (505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", 0, 0),
    ),
    "heartbeat with content": (
        raw_frame(8, 0, b"abc"),
        (501, 'FRAME_ERROR - type 8, all octets = <<"abc">>: unknown_frame', 0, 0),
    ),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
@on_every_broker
async def test_wrong_frame(
    broker: Broker, data: bytes, expected: tuple[int, str, int, int]
) -> None:
    """The connection is closed with the code that fits, and the frame in question quoted."""
    client = await broker.raw(1)
    client.write(data)
    assert await client.closed_connection() == expected
    client.send(0, commands.Connection.CloseOk())
    assert await client.ended()


@on_every_broker
async def test_frame_larger_than_agreed(broker: Broker) -> None:
    """What was negotiated is the limit, with the frame's own eight octets."""
    client = await broker.raw(1, frame_max=4096)
    client.write(raw_frame(3, 1, bytes(5000)))
    assert await client.closed_connection() == (
        501,
        "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,5000,4088}",
        0,
        0,
    )


@pytest.mark.parametrize(
    "index", [b"\x00\x3c\x00\xf0", b"\x00\xfa\x00\x0a"], ids=["method", "class"]
)
@on_every_broker
async def test_unknown_methods_break_the_connection(broker: Broker, index: bytes) -> None:
    """A method or class that does not exist ends the connection without a word."""
    client = await broker.raw(1)
    client.write(raw_frame(1, 1, index))
    assert await client.ended()


METHODS: dict[str, tuple[int, base.Frame, tuple[int, str, int, int]]] = {
    "channel not open": (
        2,
        commands.Queue.Declare(queue="x"),
        (504, "CHANNEL_ERROR - expected 'channel.open'", 50, 10),
    ),
    "close of a channel that is not open": (
        2,
        commands.Channel.Close(200, "", 0, 0),
        (504, "CHANNEL_ERROR - expected 'channel.open'", 20, 40),
    ),
    "close-ok nobody asked for": (
        2,
        commands.Channel.CloseOk(),
        (504, "CHANNEL_ERROR - expected 'channel.open'", 20, 41),
    ),
    "channel opened twice": (
        1,
        commands.Channel.Open(),
        (504, "CHANNEL_ERROR - second 'channel.open' seen", 20, 10),
    ),
    "channel method on the connection": (
        0,
        commands.Basic.Qos(0, 1),
        (504, "CHANNEL_ERROR - unexpected method in connection state running", 60, 10),
    ),
    "handshake on an open connection": (
        0,
        commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest"),
        (504, "CHANNEL_ERROR - unexpected method in connection state running", 10, 11),
    ),
    "connection method on a channel": (
        1,
        commands.Connection.Close(200, "x", 0, 0),
        (503, "COMMAND_INVALID - unimplemented method", 10, 50),
    ),
    "method only brokers send": (
        1,
        commands.Basic.QosOk(),
        (503, "COMMAND_INVALID - unimplemented method", 60, 11),
    ),
    "flow that stops": (
        1,
        commands.Channel.Flow(active=False),
        (540, "NOT_IMPLEMENTED - active=false", 20, 20),
    ),
    "prefetch by size": (
        1,
        commands.Basic.Qos(prefetch_size=10),
        (540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", 60, 10),
    ),
    "recover without requeue": (
        1,
        commands.Basic.Recover(requeue=False),
        (540, "NOT_IMPLEMENTED - requeue=false", 60, 110),
    ),
}


@pytest.mark.parametrize(("channel", "method", "expected"), METHODS.values(), ids=METHODS)
@on_every_broker
async def test_wrong_method(
    broker: Broker, channel: int, method: base.Frame, expected: tuple[int, str, int, int]
) -> None:
    """The connection is closed; the method is named by its numbers."""
    client = await broker.raw(1)
    client.send(channel, method)
    assert await client.closed_connection() == expected


@on_every_broker
async def test_immediate_is_not_implemented(broker: Broker) -> None:
    """basic.publish with immediate closes the connection."""
    client = await broker.raw(1)
    client.send(1, commands.Basic.Publish(routing_key="q", immediate=True))
    client.write(content(1, b"x"))
    expected = (540, "NOT_IMPLEMENTED - immediate=true", 60, 40)
    assert await client.closed_connection() == expected


@on_every_broker
async def test_more_channels_than_agreed(broker: Broker) -> None:
    """Channels are counted, whatever their numbers."""
    client = await broker.raw(7, 9, channel_max=2)
    client.send(1, commands.Channel.Open())
    assert await client.closed_connection() == (
        530,
        "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
        0,
        0,
    )


@on_every_broker
async def test_flow_that_goes_on_is_acknowledged(broker: Broker) -> None:
    """channel.flow with active=true changes nothing."""
    client = await broker.raw(1)
    client.send(1, commands.Channel.Flow(active=True))
    assert (await client.expect(commands.Channel.FlowOk)).active is True


@on_every_broker
async def test_work_on_a_closing_channel_is_ignored(broker: Broker) -> None:
    """Between channel.close and its answer the broker looks at nothing; then the number is free."""
    client = await broker.raw(1)
    client.send(1, commands.Basic.Consume(queue=broker.name("missing")))
    await client.closed_channel()
    client.send(1, commands.Basic.Qos(0, 1), commands.Queue.Declare(queue=broker.name("unseen")))
    client.send(1, commands.Channel.CloseOk(), commands.Channel.Open())
    await client.expect(commands.Channel.OpenOk)
    client.send(1, commands.Queue.Declare(queue=broker.name("unseen"), passive=True))
    assert (await client.closed_channel())[0] == 404


@on_every_broker
async def test_both_sides_close_a_channel(broker: Broker) -> None:
    """A channel.close that crosses ours is answered too."""
    client = await broker.raw(1)
    client.send(1, commands.Basic.Consume(queue=broker.name("missing")))
    client.send(1, commands.Channel.Close(200, "", 0, 0))
    await client.closed_channel()
    await client.expect(commands.Channel.CloseOk)
    client.send(1, commands.Channel.CloseOk(), commands.Channel.Open())
    await client.expect(commands.Channel.OpenOk)
