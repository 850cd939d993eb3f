"""
What each method a client may send on a channel does: one function for one method.

``basic.publish`` and ``basic.ack`` are not here: the channel takes them by a shorter way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pamqp import base, commands

from umt_sim.servers.rabbitmq.core.arguments import field_type
from umt_sim.servers.rabbitmq.core.exchange import Binding, Kind
from umt_sim.servers.rabbitmq.core.queue import Queue
from umt_sim.servers.rabbitmq.errors import (
    access_refused,
    channel_error,
    not_found,
    not_implemented,
    precondition_failed,
    resource_locked,
)

if TYPE_CHECKING:
    from umt_sim.servers.rabbitmq.protocol.channel import Channel

__all__ = ["HANDLERS", "OPERATIONS"]

Handler = Callable[["Channel", Any], base.Frame | None]


# Channel.


def _channel_open(channel: Channel, method: commands.Channel.Open) -> None:  # noqa: ARG001
    raise channel_error("second 'channel.open' seen")


def _channel_close(channel: Channel, method: commands.Channel.Close) -> None:  # noqa: ARG001
    channel.close()


def _channel_flow(
    channel: Channel,  # noqa: ARG001
    method: commands.Channel.Flow,
) -> base.Frame:
    if not method.active:
        raise not_implemented("active=false")
    return commands.Channel.FlowOk(active=True)


# Exchanges.


def _exchange_declare(channel: Channel, method: commands.Exchange.Declare) -> base.Frame | None:
    name, host = _plain(method.exchange), channel.host
    if not name:
        raise access_refused("operation not permitted on the default exchange")
    if method.passive:
        host.exchange(name)
    else:
        host.declare_exchange(
            name,
            method.exchange_type,
            durable=method.durable,
            auto_delete=method.auto_delete,
            internal=method.internal,
            arguments=method.arguments or {},
        )
    return None if method.nowait else commands.Exchange.DeclareOk()


def _exchange_delete(channel: Channel, method: commands.Exchange.Delete) -> base.Frame | None:
    if not method.exchange:
        raise access_refused("operation not permitted on the default exchange")
    channel.host.delete_exchange(method.exchange, if_unused=method.if_unused)
    return None if method.nowait else commands.Exchange.DeleteOk()


def _exchange_bind(channel: Channel, method: commands.Exchange.Bind) -> base.Frame | None:
    channel.host.bind(_between_exchanges(method), channel.connection)
    return None if method.nowait else commands.Exchange.BindOk()


def _exchange_unbind(channel: Channel, method: commands.Exchange.Unbind) -> base.Frame | None:
    channel.host.unbind(_between_exchanges(method), channel.connection)
    return None if method.nowait else commands.Exchange.UnbindOk()


def _between_exchanges(method: commands.Exchange.Bind | commands.Exchange.Unbind) -> Binding:
    return Binding(
        method.source,
        Kind.EXCHANGE,
        method.destination,
        method.routing_key,
        method.arguments or {},
    )


# Queues.


def _queue_declare(channel: Channel, method: commands.Queue.Declare) -> None:
    host, name = channel.host, _plain(method.queue)
    if method.passive:
        queue = host.queue(name or _last_queue(channel), channel.connection)
        queue.touch()
    else:
        _check_dead_letter_exchange(host.describe("queue", name), method.arguments or {})
        queue = host.declare_queue(
            name,
            durable=method.durable,
            auto_delete=method.auto_delete,
            connection=channel.connection,
            exclusive=method.exclusive,
            arguments=method.arguments or {},
        )
    channel.last_queue = queue.name
    if not method.nowait:
        channel.reply_declared(queue.name, queue.ready, queue.consumer_count)


def _check_dead_letter_exchange(what: str, arguments: Mapping[str, Any]) -> None:
    """RabbitMQ looks at this argument before all others, and words it differently."""
    exchange = arguments.get("x-dead-letter-exchange", "")
    if not isinstance(exchange, str):
        kind = field_type(exchange)
        raise precondition_failed(
            f"invalid type '{kind}' for arg 'x-dead-letter-exchange' in {what}"
        )


def _queue_bind(channel: Channel, method: commands.Queue.Bind) -> base.Frame | None:
    channel.host.bind(_to_queue(channel, method), channel.connection)
    return None if method.nowait else commands.Queue.BindOk()


def _queue_unbind(channel: Channel, method: commands.Queue.Unbind) -> base.Frame:
    channel.host.unbind(_to_queue(channel, method), channel.connection)
    return commands.Queue.UnbindOk()


def _to_queue(channel: Channel, method: commands.Queue.Bind | commands.Queue.Unbind) -> Binding:
    name = method.queue or _last_queue(channel)
    # Without a name of its own, the queue's name is the key too (AMQP 0-9-1, queue.bind).
    key = method.routing_key or ("" if method.queue else name)
    return Binding(method.exchange, Kind.QUEUE, name, key, method.arguments or {})


def _queue_purge(channel: Channel, method: commands.Queue.Purge) -> base.Frame | None:
    purged = _queue(channel, method.queue).purge()
    return None if method.nowait else commands.Queue.PurgeOk(purged)


def _queue_delete(channel: Channel, method: commands.Queue.Delete) -> None:
    """The answer comes before the channel's own consumers are cancelled."""
    name = method.queue or _last_queue(channel)
    queue = _queue(channel, name) if name in channel.host.queues else None
    if queue is not None:
        _check_deletable(queue, channel.host.describe("queue", name), method)
    if not method.nowait:
        channel.reply(commands.Queue.DeleteOk(0 if queue is None else queue.ready))
    if queue is not None:
        channel.host.delete_queue(queue)


def _check_deletable(queue: Queue, what: str, method: commands.Queue.Delete) -> None:
    for wanted, flag in ((method.if_unused, "if-unused"), (method.if_empty, "if-empty")):
        if wanted and queue.quorum:
            raise not_implemented(
                f"cannot delete {what}. queue.delete operations with {flag} flag set"
                " are not supported by quorum queues"
            )
    if method.if_unused and queue.consumer_count:
        raise precondition_failed(f"{what} in use")
    if method.if_empty and queue.ready:
        raise precondition_failed(f"{what} not empty")


def _queue(channel: Channel, name: str) -> Queue:
    return channel.host.queue(name or _last_queue(channel), channel.connection)


def _last_queue(channel: Channel) -> str:
    if not channel.last_queue:
        raise not_found("no previously declared queue")
    return channel.last_queue


def _plain(name: str) -> str:
    """RabbitMQ takes line ends out of names."""
    return name.replace("\r", "").replace("\n", "")


# Consumers and deliveries.


def _qos(channel: Channel, method: commands.Basic.Qos) -> None:
    if method.prefetch_size:
        raise not_implemented(f"prefetch_size!=0 ({method.prefetch_size})")
    channel.reply(commands.Basic.QosOk())
    channel.session.limit_prefetch(method.prefetch_count, per_channel=method.global_)


def _consume(channel: Channel, method: commands.Basic.Consume) -> None:
    tag = method.consumer_tag or channel.host.names.make("amq.ctag")
    channel.session.check_new(tag)
    queue = _queue(channel, method.queue)
    channel.session.consume(
        queue,
        tag,
        no_ack=method.no_ack,
        exclusive=method.exclusive,
        arguments=dict(method.arguments or {}),
    )
    if not method.nowait:
        channel.reply(commands.Basic.ConsumeOk(tag))
    queue.run()


def _cancel(channel: Channel, method: commands.Basic.Cancel) -> base.Frame | None:
    channel.session.cancel(str(method.consumer_tag))
    return None if method.nowait else commands.Basic.CancelOk(method.consumer_tag)


def _get(channel: Channel, method: commands.Basic.Get) -> base.Frame | None:
    queue = _queue(channel, method.queue)
    if queue.arguments.single_active_consumer and queue.quorum:
        what = channel.host.describe("queue", queue.name)
        raise resource_locked(
            f"cannot obtain access to locked {what}. basic.get operations are not supported by"
            " quorum queues with single active consumer"
        )
    taken = channel.session.get(queue, no_ack=method.no_ack)
    if taken is None:
        return commands.Basic.GetEmpty()
    channel.reply_got(*taken, queue.ready)
    return None


def _nack(channel: Channel, method: commands.Basic.Nack) -> None:
    channel.session.reject(
        method.delivery_tag, multiple=method.multiple, requeue=method.requeue, by_nack=True
    )


def _reject(channel: Channel, method: commands.Basic.Reject) -> None:
    channel.session.reject(
        method.delivery_tag or 0, multiple=False, requeue=method.requeue, by_nack=False
    )


def _recover(channel: Channel, method: commands.Basic.Recover) -> base.Frame:
    _recover_async(channel, method)
    return commands.Basic.RecoverOk()


def _recover_async(
    channel: Channel, method: commands.Basic.Recover | commands.Basic.RecoverAsync
) -> None:
    if not method.requeue:
        raise not_implemented("requeue=false")
    channel.session.recover()


# Publishing.


def _confirm_select(channel: Channel, method: commands.Confirm.Select) -> base.Frame | None:
    channel.confirming = True
    return None if method.nowait else commands.Confirm.SelectOk()


def _transaction(channel: Channel, method: base.Frame) -> None:  # noqa: ARG001
    raise not_implemented("transactions; use publisher confirms")


HANDLERS: Mapping[type[base.Frame], Handler] = {
    commands.Channel.Open: _channel_open,
    commands.Channel.Close: _channel_close,
    commands.Channel.Flow: _channel_flow,
    commands.Exchange.Declare: _exchange_declare,
    commands.Exchange.Delete: _exchange_delete,
    commands.Exchange.Bind: _exchange_bind,
    commands.Exchange.Unbind: _exchange_unbind,
    commands.Queue.Declare: _queue_declare,
    commands.Queue.Bind: _queue_bind,
    commands.Queue.Unbind: _queue_unbind,
    commands.Queue.Purge: _queue_purge,
    commands.Queue.Delete: _queue_delete,
    commands.Basic.Qos: _qos,
    commands.Basic.Consume: _consume,
    commands.Basic.Cancel: _cancel,
    commands.Basic.Get: _get,
    commands.Basic.Nack: _nack,
    commands.Basic.Reject: _reject,
    commands.Basic.Recover: _recover,
    commands.Basic.RecoverAsync: _recover_async,
    commands.Confirm.Select: _confirm_select,
    commands.Tx.Select: _transaction,
    commands.Tx.Commit: _transaction,
    commands.Tx.Rollback: _transaction,
}

# Classes of operation that capacity knows; what is not listed takes no time.
OPERATIONS: Mapping[type[base.Frame], str] = {
    commands.Exchange.Declare: "declare",
    commands.Exchange.Delete: "declare",
    commands.Exchange.Bind: "declare",
    commands.Exchange.Unbind: "declare",
    commands.Queue.Declare: "declare",
    commands.Queue.Bind: "declare",
    commands.Queue.Unbind: "declare",
    commands.Queue.Purge: "declare",
    commands.Queue.Delete: "declare",
    commands.Basic.Get: "get",
    commands.Basic.Nack: "ack",
    commands.Basic.Reject: "ack",
}
